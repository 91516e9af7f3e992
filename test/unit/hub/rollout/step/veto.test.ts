import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assignedBy, replay } from '../../../../../hub/ledger/replay.ts'
import { createRollouts } from '../../../../../hub/rollout/advance/advance.ts'
import type { ClusterObservation } from '../../../../../hub/rollout/rollout.ts'
import {
  createMemoryLedger,
  createMemoryStore,
  createMemoryWakes,
} from '../../../../support/memory-rollouts.ts'
import { drive, good, idle, old, plan, reports, wave } from '../world.ts'

const busy = { refuse: false, until: 9_000_000, words: 'ConfigMap x/y: moving racks' } as const
const refusing = { ...busy, refuse: true } as const

describe('a local veto', () => {
  const holds = (veto: typeof busy | typeof refusing, generation: number): ClusterObservation => ({
    ...reports(old, 0, { held: { digest: good.digest, generation } }),
    veto,
  })

  test('postponed before its turn: it is not offered anything, and the rollout says why', () => {
    const it = drive(plan([wave('one', ['a', 'b'])]))
    it.seen['a'] = { ...idle(), veto: busy }
    it.act({ kind: 'start' })
    assert.deepEqual(it.outcomes(), { a: 'Pending', b: 'Offered' })
    assert.match(
      it.last.waitingFor.join(),
      /cluster a is on hold there: ConfigMap x\/y: moving racks, until 1970-01-01T02:30:00/,
    )
    it.seen['a'] = { ...idle(), veto: null }
    it.look(10)
    assert.deepEqual(it.outcomes(), { a: 'Offered', b: 'Offered' })
  })

  test('postponed on its way: no deadline counts until the hold ends', () => {
    const it = drive(plan([wave('one', ['a'], { progressDeadline: 1_000 })]))
    it.act({ kind: 'start' })
    it.seen['a'] = holds(busy, 1)
    it.look(10)
    it.look(5_000_000)
    assert.deepEqual(it.outcomes(), { a: 'Offered' })
    assert.match(it.last.waitingFor.join(), /on hold there: .*moving racks/)
    it.seen['a'] = { ...reports(old, 0), veto: null }
    assert.equal(it.look(5_000_100).recheckAt, 5_001_100)
    it.seen['a'] = { ...reports(good, 1), veto: null }
    it.look(5_000_200)
    assert.equal(it.run.phase, 'Succeeded')
  })

  test('refused on its way: Vetoed, and what it had is assigned again', () => {
    const it = drive(plan([wave('one', ['a', 'b'])]))
    it.act({ kind: 'start' })
    it.seen['a'] = holds(refusing, 1)
    const { effects } = it.look(10)
    assert.deepEqual(it.outcomes(), { a: 'Vetoed', b: 'Offered' })
    assert.deepEqual(effects, [
      { kind: 'assign', cluster: 'a', content: { ...old, undo: true }, generation: it.generation },
    ])
    it.seen['b'] = reports(good, 1)
    it.look(20)
    assert.equal(it.run.phase, 'Succeeded')
    assert.match(it.run.message, /1 succeeded, 1 vetoed/)
    it.act({ kind: 'rollback' }, 30)
    assert.equal(it.outcomes()['a'], 'Vetoed', 'there is nothing to take back from it')
  })

  test('a veto over other content than was offered is none over this', () => {
    const it = drive(plan([wave('one', ['a'])]))
    it.act({ kind: 'start' })
    it.seen['a'] = holds(refusing, 7)
    it.look(10)
    assert.deepEqual(it.outcomes(), { a: 'Offered' })
  })

  test('a canary that refuses proves nothing; when it lets go it has its turn', () => {
    const it = drive(plan([wave('canary', ['a']), wave('rest', ['b'])]))
    it.seen['a'] = { ...idle(), veto: refusing }
    it.act({ kind: 'start' })
    assert.deepEqual(it.outcomes(), { a: 'Vetoed', b: 'Pending' })
    assert.match(it.last.waitingFor.join(), /took it, being unreachable, vetoed or passed over/)
    it.seen['a'] = idle()
    it.look(10)
    assert.deepEqual(it.outcomes(), { a: 'Vetoed', b: 'Pending' }, 'nobody said that it is over')
    it.seen['a'] = { ...idle(), veto: null }
    it.look(20)
    assert.deepEqual(it.outcomes(), { a: 'Offered', b: 'Pending' })
    it.seen['a'] = { ...reports(good, it.generation), veto: null }
    it.look(30)
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Offered' })
  })

  // The hub looked only at those that were away: the canary's word that it lets go was never heard.
  test('a canary that lets go is heard by the hub, and has its turn in the same rollout', async () => {
    const clock = () => 1_000
    const ledger = createMemoryLedger(clock).open()
    const state = await replay(ledger.read())
    const seen: Record<string, ClusterObservation> = {
      a: { ...idle(), veto: refusing },
      b: { ...idle(), veto: null },
    }
    const rollouts = createRollouts({
      ...{ ledger, state, store: createMemoryStore(), wake: createMemoryWakes(), clock },
      observe: async (_, names) => Object.fromEntries(names.map((name) => [name, seen[name]!])),
      assign: async () => {},
      measure: async () => ({ kind: 'unanswered', message: '' }),
      log: () => {},
    })
    await rollouts.restore()
    await rollouts.create(plan([wave('canary', ['a']), wave('rest', ['b'])]), { start: true })
    const stateOf = (name: string) => state.runs.get('r1')?.clusters[name]
    assert.equal(stateOf('a')?.state, 'Done')
    seen['a'] = { ...idle(), veto: null }
    await rollouts.notice('shop')
    assert.deepEqual([stateOf('a')?.state, stateOf('b')?.state], ['Offered', 'Pending'])
    await rollouts.close()
  })

  test('the only cluster refuses: the rollout waits, and is no success', () => {
    const it = drive(plan([wave('one', ['a'])]))
    it.seen['a'] = { ...idle(), veto: refusing }
    it.act({ kind: 'start' })
    it.look(3_600_000)
    assert.equal(it.run.phase, 'Progressing')
    assert.match(it.run.message, /no cluster took it, so nothing is proven yet/)
    assert.match(it.last.waitingFor.join(), /skip them or wait for one to return/)
    it.seen['a'] = { ...idle(), veto: null }
    it.look(3_600_001)
    it.seen['a'] = { ...reports(good, it.generation), veto: null }
    it.look(3_600_002)
    assert.equal(it.run.phase, 'Succeeded')
  })

  test('the only cluster refuses and a person skips it: the rollout ends and says so', () => {
    const it = drive(plan([wave('one', ['a'])]))
    it.seen['a'] = { ...idle(), veto: refusing }
    it.act({ kind: 'start' })
    it.act({ kind: 'skip', cluster: 'a' }, 10)
    assert.equal(it.run.phase, 'Succeeded')
    assert.equal(it.run.message, '1 skipped')
  })

  // Found by the property I6: after a restart it would have been assigned what it had refused.
  test('refused and then skipped by a person: what was taken back stays taken back', () => {
    const planned = plan([wave('one', ['a', 'b'])])
    const it = drive(planned)
    it.act({ kind: 'start' })
    it.seen['a'] = holds(refusing, 1)
    it.look(10)
    it.act({ kind: 'skip', cluster: 'a' }, 20)
    assert.deepEqual(it.outcomes(), { a: 'Skipped', b: 'Offered' })
    const progress = it.run.clusters['a']!
    assert.equal(assignedBy(planned, 'a', progress)?.digest, old.digest)
  })
})
