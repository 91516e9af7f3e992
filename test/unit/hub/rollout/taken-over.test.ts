import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import {
  type ChangeInput,
  findChange,
  type PastRollout,
} from '../../../../hub/rollout/decide/changes.ts'
import { createRun } from '../../../../hub/rollout/plan/plan.ts'
import type { PlannedGate } from '../../../../hub/rollout/gate/planned-gate.ts'
import type {
  Assignment,
  ClusterOutcome,
  ClusterProgress,
  Content,
  RolloutPhase,
} from '../../../../hub/rollout/rollout.ts'
import { good as first, old, plan, target, wave } from './world.ts'

const second: Content = { ...first, digest: digestOf('second') }

const assigned = (cluster: string, content: Content): Assignment => ({
  ...{ ...content, cluster, application: 'shop', generation: 1, rollout: 'r0' },
})
const done = (outcome: ClusterOutcome): ClusterProgress => ({
  ...{ state: 'Done', outcome, generation: 1, at: 0, message: '' },
})

const nothing: ChangeInput = {
  ...{ desired: new Map(), assigned: new Map(), reachableByGit: new Set<string>(), history: [] },
  ...{ connected: () => true, previous: () => null, again: false },
}

describe('what takes the place of a rollout in hand', () => {
  const going = (
    canary: ClusterProgress,
    rest: { phase?: RolloutPhase; after?: readonly PlannedGate[]; wave?: number } = {},
  ): PastRollout => {
    const { phase = 'Progressing', after = [], wave: at = 0 } = rest
    const waves = [wave('canary', ['a'], { after }), wave('rest', ['b', 'c'])]
    const targets = { a: target(old, first), b: target(old, first), c: target(old, first) }
    const made = plan(waves, { id: 'r1', targets })
    const clusters = { ...createRun(made).clusters, a: canary }
    return { plan: made, run: { ...createRun(made), phase, wave: at, startedAt: 1, clusters } }
  }
  /** Git changes what `c` is to have, and nothing else. */
  const beside = (active: PastRollout, rest: Partial<ChangeInput> = {}) =>
    findChange({
      ...nothing,
      desired: new Map([
        ['a', first],
        ['b', first],
        ['c', second],
      ]),
      assigned: new Map([
        ['a', assigned('a', first)],
        ['b', assigned('b', old)],
        ['c', assigned('c', old)],
      ]),
      reachableByGit: new Set(['a', 'b', 'c']),
      previous: (name) => (name === 'a' ? first : old),
      history: [active],
      ...rest,
    })
  const namesOf = (change: ReturnType<typeof findChange>) => {
    assert.ok(change.kind === 'rollout', change.kind)
    return Object.keys(change.targets)
  }
  const soaking: ClusterProgress = {
    ...{ state: 'Soaking', generation: 1, offeredAt: 0, healthySince: 0 },
  }

  // A commit beside it brought everybody what the canary had failed with, or still had to prove.
  test('I6 begins with the canary that has not proven what it brings, and knows what it had before', () => {
    const canaries = [
      { state: 'Offered', generation: 1, offeredAt: 0 } as const,
      soaking,
      { state: 'Pending', generation: 1 } as const,
      ...(['Failed', 'TimedOut', 'Unreachable', 'Vetoed'] as const).map(done),
    ]
    for (const canary of canaries) {
      const change = beside(going(canary))
      assert.deepEqual(namesOf(change), ['a', 'b', 'c'], JSON.stringify(canary))
      assert.ok(change.kind === 'rollout')
      assert.deepEqual(change.targets['a'], { ...first, previous: old })
    }
  })

  test('I6 begins with the canary that has done well while a gate after it is to be passed', () => {
    const after = [{ kind: 'soak', duration: 600_000 } as const]
    assert.deepEqual(namesOf(beside(going(done('Succeeded'), { after }))), ['a', 'b', 'c'])
    assert.deepEqual(namesOf(beside(going(done('Succeeded'), { after, wave: 1 }))), ['b', 'c'])
    assert.deepEqual(namesOf(beside(going(done('Succeeded')))), ['b', 'c'])
  })

  test('leaves out what a person skipped, and what Git wants otherwise', () => {
    assert.deepEqual(namesOf(beside(going(done('Skipped')))), ['b', 'c'])
    const desired = new Map([
      ['a', second],
      ['b', first],
      ['c', second],
    ])
    const change = beside(going(soaking), { desired })
    assert.ok(change.kind === 'rollout')
    assert.equal(change.targets['a']?.digest, second.digest)
  })

  test('says that a person had paused it, where it brings the rest of the same', () => {
    const paused = (canary: ClusterProgress, rest: Partial<ChangeInput> = {}) => {
      const change = beside(going(canary, { phase: 'Paused' }), rest)
      assert.ok(change.kind === 'rollout')
      return change.paused
    }
    assert.equal(paused(soaking), 'r1')
    assert.equal(paused(done('Failed')), undefined, 'it is tried again, and pauses again')
    const desired = new Map(['a', 'b', 'c'].map((name) => [name, second]))
    assert.equal(paused(soaking, { desired }), undefined, 'nothing of it goes on')
    const progressing = beside(going(soaking))
    assert.ok(progressing.kind === 'rollout' && progressing.paused === undefined)
  })

  test('takes nothing from one that goes back, though another is planned beside it', () => {
    const back = going(soaking, { phase: 'RollingBack' })
    const planned = { plan: { ...back.plan, id: 'r2' }, run: createRun({ ...back.plan, id: 'r2' }) }
    const change = beside(back, { history: [planned, back] })
    assert.deepEqual(change, { kind: 'later', rollout: 'r1' })
  })

  // It was planned anew without it, taken for the same, and went on to offer it all the same.
  test('is nothing because a cluster was suspended, detached or revoked: it goes on without that one', () => {
    const desired = new Map(['a', 'b'].map((name) => [name, first]))
    const reachableByGit = new Set(['a', 'b'])
    const change = beside(going(done('Failed'), { phase: 'Paused' }), { desired, reachableByGit })
    assert.deepEqual(change, { kind: 'later', rollout: 'r1' })
  })

  test('brings back in what was passed over, once it is given something again', () => {
    const over: ClusterProgress = {
      ...done('Skipped'),
      generation: 0,
      closed: true,
    } as ClusterProgress
    const made = plan([wave('one', ['a'])], { targets: { a: target(old, first) } })
    const ended = {
      plan: made,
      run: { ...createRun(made), phase: 'Succeeded', clusters: { a: over } },
    } as const
    const given = {
      desired: new Map([['a', first]]),
      assigned: new Map([['a', assigned('a', old)]]),
    }
    const change = findChange({
      ...nothing,
      ...given,
      reachableByGit: new Set(['a']),
      history: [ended],
    })
    assert.deepEqual(namesOf(change), ['a'])
  })
})
