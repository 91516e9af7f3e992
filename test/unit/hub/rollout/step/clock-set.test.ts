import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { emptyState } from '../../../../../hub/ledger/replay.ts'
import { createRollouts } from '../../../../../hub/rollout/advance/advance.ts'
import { createClockJumps } from '../../../../../hub/rollout/advance/clock-jumps.ts'
import type { WebhookGate } from '../../../../../hub/rollout/gate/planned-gate.ts'
import type { ClusterObservation, PlannedWave } from '../../../../../hub/rollout/rollout.ts'
import { observeClusters } from '../../../../../hub/status/observe.ts'
import {
  createMemoryLedger,
  createMemoryStore,
  createMemoryWakes,
} from '../../../../support/memory-rollouts.ts'
import { cluster } from '../../status/known-world.ts'
import { away, drive, good, idle, plan, reports, wave } from '../world.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const soak = { kind: 'soak', duration: 10 * minute } as const
const webhook: WebhookGate = {
  ...{ kind: 'webhook', url: 'https://change.example/ask', credential: 'change' },
  interval: minute,
  deadline: 30 * minute,
}

function atGate(gate: PlannedWave['after'][number], rest: Partial<PlannedWave> = {}) {
  const it = drive(plan([wave('one', ['a'], { ...rest, after: [gate] }), wave('two', ['z'])]))
  it.act({ kind: 'start' }, day)
  it.seen['a'] = reports(good, it.generation)
  it.look(day)
  return it
}

describe('F29: the hub’s clock is set', () => {
  test('a soak goes on from where it was, ahead and back', () => {
    for (const by of [hour, -hour]) {
      const it = atGate(soak)
      it.look(day + 4 * minute)
      it.look(day + 4 * minute + by, by)
      it.look(day + by + 10 * minute - 1)
      assert.equal(it.run.wave, 0, `${by}: it has not soaked for so long`)
      it.look(day + by + 10 * minute)
      assert.equal(it.run.wave, 1, `${by}: it has`)
    }
  })

  test('so do the soak of a cluster, its deadline, and the way back', () => {
    const one = wave('one', ['a', 'b'], { soak: 10 * minute, progressDeadline: 20 * minute })
    const it = drive(plan([one, wave('two', ['z'])], { onFailure: 'rollback' }))
    it.act({ kind: 'start' }, day)
    it.seen['a'] = reports(good, it.generation)
    it.look(day)
    it.look(day + hour, hour)
    assert.deepEqual(it.outcomes(), { a: 'Soaking', b: 'Offered', z: 'Pending' })
    it.look(day + hour + 20 * minute)
    assert.equal(it.run.phase, 'RollingBack')
    it.look(2 * day + hour + 20 * minute, day)
    assert.equal(it.run.phase, 'RollingBack', 'nobody has had time to go back')
  })

  test('a deadline of a gate is as far away as it was', () => {
    const it = atGate(webhook)
    it.look(day + hour, hour)
    assert.equal(it.run.phase, 'Progressing')
    it.look(day + hour + 30 * minute)
    assert.equal(it.run.phase, 'Paused')
  })

  test('what nothing waits for is no step', () => {
    const it = drive(plan([wave('one', ['a'])]))
    const before = it.run
    it.look(day, hour)
    assert.equal(it.run, before)
  })

  test('a time that is yet to come was another clock’s: what began then begins now', () => {
    const it = atGate(soak)
    it.look(hour)
    it.look(hour + 10 * minute - 1)
    assert.equal(it.run.wave, 0)
    it.look(hour + 10 * minute)
    assert.equal(it.run.wave, 1, 'and not a day later')
  })

  test('a cluster that was away by a clock of the future is welcomed back', () => {
    const it = drive(plan([wave('one', ['a', 'b'], { progressDeadline: 2 * day })]))
    it.act({ kind: 'start' }, day)
    it.seen['a'] = away(day)
    it.look(day + minute)
    assert.equal(it.outcomes()['a'], 'Unreachable')
    it.seen['a'] = idle(hour)
    it.look(hour)
    assert.equal(it.outcomes()['a'], 'Offered')
  })

  test('a connection that was lost by a clock of the future was lost when the clock was set', () => {
    const gone = cluster('a', { connection: { state: 'Disconnected', since: day } })
    const seen = observeClusters(() => gone, 'shop', ['a'], { heardSince: hour, now: 2 * hour })
    assert.equal(seen['a']?.since, hour)
  })
})

/** A hub whose clock can be set, with one cluster that runs what it is offered. */
async function openHub(gate: PlannedWave['after'][number]) {
  let [now, time] = [day, 0]
  const clock = () => now
  const ledger = createMemoryLedger(clock)
  const wake = createMemoryWakes()
  const state = emptyState()
  const asked: number[] = []
  const jumped: number[] = []
  const rollouts = createRollouts({
    ...{ ledger: ledger.open(), state, store: createMemoryStore(), wake, clock },
    monotonic: () => time,
    jumps: createClockJumps({ clock, monotonic: () => time, onJump: (by) => jumped.push(by) }),
    observe: async (_, names) =>
      Object.fromEntries(
        names.map((name): [string, ClusterObservation] => {
          const mine = state.assignments.get(name)?.get('shop')
          return [name, mine ? reports(good, mine.generation) : idle()]
        }),
      ),
    assign: async () => {},
    measure: async () => {
      asked.push(time)
      return { kind: 'verdict', verdict: 'wait', message: 'not yet' }
    },
    log: () => {},
  })
  await rollouts.restore()
  const planned = plan([wave('one', ['a'], { after: [gate] }), wave('two', ['z'])])
  await rollouts.create(planned, { start: true })
  await rollouts.notice('shop')
  return {
    ...{ state, asked, jumped, rollouts },
    waveInHand: () => state.runs.get(planned.id)!.wave,
    causes: () =>
      ledger
        .text()
        .trim()
        .split('\n')
        .map(
          (line) =>
            (JSON.parse(line) as { decision: { cause?: string; reason?: string } }).decision,
        ),
    async pass(ms: number, setBy = 0) {
      now += ms + setBy
      time += ms
      await rollouts.notice('shop')
      await new Promise(setImmediate)
    },
  }
}

describe('F29: a hub whose clock is set', () => {
  test('I6: opens no soak gate for that, and says so in the ledger', async () => {
    const it = await openHub(soak)
    await it.pass(minute)
    await it.pass(minute, hour)
    assert.equal(it.waveInHand(), 0)
    assert.deepEqual(it.jumped, [hour])
    const told = it.causes().filter(({ cause }) => cause === 'clockSet')
    assert.deepEqual(
      told.map(({ reason }) => reason),
      [
        "the hub's clock was set ahead by 1h, or no hub watched for as long; what is waited for goes on from where it was",
      ],
    )
    await it.pass(8 * minute - 1)
    assert.equal(it.waveInHand(), 0)
    await it.pass(1, -day)
    assert.equal(it.waveInHand(), 1)
    await it.rollouts.close()
  })

  test('I6: nor does another hub that leads next, whose clock is ahead', async () => {
    const before = await openHub(soak)
    await before.pass(minute)
    const planned = [...before.state.plans.values()][0]!
    const clock = () => day + hour + minute
    const jumps = createClockJumps({ clock, monotonic: () => 0, onJump: () => {} })
    assert.equal(jumps.inherit([planned], hour), true)
    const it = atGate(soak)
    const { now, setBy } = jumps.look(planned)
    it.look(now, setBy)
    assert.equal(it.run.wave, 0)
    it.look(now + 9 * minute)
    assert.equal(it.run.wave, 1)
    jumps.tell(planned, setBy)
    assert.equal(jumps.look(planned).setBy, 0)
    for (const ahead of [-hour, 4_000]) assert.equal(jumps.inherit([planned], ahead), false)
    await before.rollouts.close()
  })

  test('asks a webhook again after its interval, though it is a day before', async () => {
    const it = await openHub(webhook)
    await it.pass(1_000, -day)
    await it.pass(minute)
    await it.pass(minute)
    assert.ok(it.asked.length >= 3, `asked at ${it.asked.join()}`)
    await it.rollouts.close()
  })

  test('takes what puts a clock right by and by for no jump', async () => {
    const it = await openHub(soak)
    await it.pass(5 * minute, 4_000)
    await it.pass(5 * minute, -4_000)
    assert.deepEqual(it.jumped, [])
    assert.equal(it.waveInHand(), 1)
    await it.rollouts.close()
  })
})
