import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import type { GateAnswer } from '../../../../hub/rollout/gate/gate-state.ts'
import type { CelGate, MetricGate, WebhookGate } from '../../../../hub/rollout/gate/planned-gate.ts'
import type { PlannedWave, RolloutPlan } from '../../../../hub/rollout/rollout.ts'
import { drive, good, plan, reports, wave } from './world.ts'

const metric: MetricGate = {
  kind: 'metric',
  template: 'errors',
  address: 'https://prom.example',
  query: 'rate(errors[5m])',
  per: 'wave',
  labels: {},
  success: { max: 0.05 },
  interval: 60_000,
  count: 3,
  failureLimit: 1,
  missing: 'fail',
  timeout: 10_000,
}
const cel: CelGate = {
  kind: 'cel',
  expression: 'fleet.connected > 2',
  interval: 15_000,
  deadline: 100_000,
}
const webhook: WebhookGate = {
  kind: 'webhook',
  url: 'https://change.example/ask',
  credential: 'change',
  interval: 30_000,
}
const soak = { kind: 'soak', duration: 10_000 } as const
const values = (...given: number[]): GateAnswer => ({ kind: 'values', values: { '*': given } })
const code = (expected: string) => (error: unknown) =>
  error instanceof HubError && error.code === expected

/** A first wave of `clusters` that is done at time 0, with these gates after it, and a second wave. */
function afterWave(
  after: PlannedWave['after'],
  rest: Partial<RolloutPlan> = {},
  clusters = ['a', 'b'],
) {
  const it = drive(plan([wave('one', clusters, { after }), wave('two', ['z'])], rest))
  it.act({ kind: 'start' })
  for (const name of clusters) it.seen[name] = reports(good, it.generation)
  it.look(0)
  return it
}

describe('a soak gate', () => {
  test('opens when its time is over, and says until when it soaks', () => {
    const it = afterWave([soak])
    assert.equal(it.run.wave, 0)
    assert.equal(it.last.recheckAt, 10_000)
    assert.deepEqual(it.last.waitingFor, [
      'the gate after wave one soaks until 1970-01-01T00:00:10.000Z',
    ])
    it.look(9_999)
    assert.equal(it.run.wave, 0)
    it.look(10_000)
    assert.equal(it.run.wave, 1)
  })

  test('starts anew when a cluster of its wave has to go again', () => {
    const it = afterWave([soak])
    it.seen['a'] = { ...it.seen['a']!, connected: false, since: 0 }
    it.act({ kind: 'pause' }, 5_000)
    assert.equal(it.run.gates['0/after/0']?.state, 'waiting')
    const again = drive(plan([wave('one', ['a', 'b'], { after: [soak] }), wave('two', ['z'])]))
    again.act({ kind: 'start' })
    again.seen['a'] = reports(good, 1)
    delete again.seen['b']
    again.look(0)
    again.look(30_000)
    assert.deepEqual(again.outcomes(), { a: 'Succeeded', b: 'Unreachable', z: 'Pending' })
    assert.equal(again.run.gates['0/after/0']?.state, 'waiting')
    again.seen['b'] = { ...reports(good, 0), since: 35_000, application: null }
    again.look(35_000)
    assert.deepEqual(again.run.gates, {}, 'b moves again, so nothing soaks')
    again.seen['b'] = { ...reports(good, again.generation), since: 35_000 }
    again.look(36_000)
    again.look(45_999)
    assert.equal(again.run.wave, 0)
    again.look(46_000)
    assert.equal(again.run.wave, 1)
  })
})

describe('a metric gate', () => {
  test('passes after so many good values, an interval apart, and not one sooner', () => {
    const it = afterWave([metric])
    assert.deepEqual(
      it.last.measurements.map(({ gate, round, clusters }) => ({ gate, round, clusters })),
      [{ gate: '0/after/0', round: 0, clusters: ['a', 'b'] }],
    )
    it.answer(values(0.01), 1_000)
    assert.deepEqual(it.last.measurements, [], 'the next value is not due')
    assert.equal(it.last.recheckAt, 61_000)
    assert.match(
      it.last.waitingFor[0]!,
      /measures the metric errors: 1 of 3 good values; last 0.01; next at 1970-01-01T00:01:01/,
    )
    it.look(61_000)
    it.answer(values(0.02), 61_500)
    it.look(121_500)
    assert.equal(it.run.wave, 0)
    it.answer(values(0.05), 121_500)
    assert.equal(it.run.wave, 1)
    assert.equal(it.run.gates['0/after/0']?.message, '3 of 3 good values; last 0.05')
  })

  test('fails at one bad value more than its limit, and the rollout pauses', () => {
    const it = afterWave([metric])
    it.answer(values(0.5), 0)
    assert.equal(it.run.phase, 'Progressing')
    it.look(60_000)
    it.answer(values(0.01), 60_000)
    it.look(120_000)
    it.answer(values(0.7), 120_000)
    assert.equal(it.run.phase, 'Paused')
    assert.match(
      it.run.message,
      /wave one .* failed a gate: the metric errors: 0.7 is more than 0.05; 2 bad values, at most 1 may be/,
    )
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Succeeded', z: 'Pending' })
    assert.throws(() => it.act({ kind: 'resume' }, 120_000), code('conflict'))
    assert.equal(it.last.measurements.length, 0, 'nothing is measured while it is paused')
  })

  test('retry measures it again from the start; promote opens it and the rollout goes on', () => {
    const it = afterWave([{ ...metric, failureLimit: 0 }])
    it.answer(values(1), 0)
    it.act({ kind: 'retry' }, 10)
    assert.equal(it.run.phase, 'Progressing')
    assert.equal(it.last.measurements[0]?.round, 0)
    it.answer(values(1), 20)
    assert.equal(it.run.phase, 'Paused')
    it.act({ kind: 'promote' }, 30)
    assert.equal(it.run.phase, 'Progressing')
    assert.equal(it.run.wave, 1)
    assert.equal(it.run.gates['0/after/0']?.message, 'opened by alice: why')
  })

  // The word of the person got lost: what Git asked next took its place, and promoting it went on.
  test('a person pauses what a failed gate has paused already, and promoting opens only the gate', () => {
    const it = afterWave([{ ...metric, failureLimit: 0 }])
    it.answer(values(1), 0)
    for (const now of [5, 6]) it.act({ kind: 'pause' }, now)
    assert.match(
      it.run.message,
      /^paused by alice: why, after it was paused: wave one .* failed a gate/,
    )
    it.act({ kind: 'promote' }, 10)
    assert.deepEqual([it.run.phase, it.run.wave], ['Paused', 0])
    it.act({ kind: 'resume' }, 20)
    assert.equal(it.run.wave, 1)
  })

  test('an answer to what was asked before a retry is none, though no time has passed', () => {
    const it = afterWave([{ ...metric, failureLimit: 0, count: 1 }])
    const { gate, since, opening, round } = it.last.measurements[0]!
    const before = { gate, since, opening: opening!, round }
    it.answer(values(1), 0)
    it.act({ kind: 'retry' }, 0)
    assert.equal(it.last.measurements[0]!.since, since)
    it.take({ kind: 'measured', ...before, answer: values(0.01) }, 0)
    assert.equal(it.run.wave, 0)
    it.answer(values(0.01), 0)
    assert.equal(it.run.wave, 1)
  })

  test('rollback: a failed gate turns the rollout round and holds the content', () => {
    const it = afterWave([{ ...metric, failureLimit: 0 }], { onFailure: 'rollback' })
    it.answer(values(1), 0)
    assert.equal(it.run.phase, 'RollingBack')
    assert.deepEqual(it.outcomes(), { a: 'Reverting', b: 'Reverting', z: 'Pending' })
    assert.ok(it.last.effects.some(({ kind }) => kind === 'hold'))
  })

  test('continue is about clusters: a failed gate pauses all the same', () => {
    const it = afterWave([{ ...metric, failureLimit: 0 }], { onFailure: 'continue' })
    it.answer(values(1), 0)
    assert.deepEqual([it.run.phase, it.run.wave], ['Paused', 0])
  })

  test('an answer counts once: not twice, not for an earlier question, not before its time', () => {
    const it = afterWave([metric])
    const [asked] = it.last.measurements
    const { gate, since, opening, round } = asked!
    const question = { gate, since, opening: opening!, round }
    const again = { kind: 'measured', ...question, answer: values(0) } as const
    it.take(again, 0)
    const { run } = it
    for (const stale of [again, { ...again, round: 1 }, { ...again, since: 7, round: 1 }]) {
      it.take(stale, 59_999)
      assert.equal(it.run, run)
    }
    it.take({ ...again, round: 1 }, 60_000)
    assert.notEqual(it.run, run)
  })

  test('no data counts as `missing` says', () => {
    const outcome = (missing: MetricGate['missing'], given: number[]) => {
      const it = afterWave([{ ...metric, count: 1, failureLimit: 0, missing }])
      it.answer(values(...given), 0)
      return `${it.run.phase} ${it.run.wave}`
    }
    assert.equal(outcome('fail', []), 'Paused 0')
    assert.equal(outcome('pass', []), 'Progressing 1')
    assert.equal(outcome('wait', []), 'Progressing 0')
    assert.equal(outcome('fail', [Number.NaN]), 'Paused 0', 'not-a-number is no data')
    assert.equal(outcome('fail', [Number.NaN, 0.01]), 'Progressing 1')
    assert.equal(outcome('pass', [0.01, Infinity]), 'Paused 0', 'one bad series is enough')
  })

  test('bounds are part of what is good, and both may be given', () => {
    const outcome = (value: number) => {
      const it = afterWave([{ ...metric, success: { min: 1, max: 2 }, count: 1, failureLimit: 0 }])
      it.answer(values(value), 0)
      return it.run.wave === 1
    }
    assert.deepEqual([0.999, 1, 2, 2.001].map(outcome), [false, true, true, false])
  })

  test('per cluster: each needs its good values, one that has too many bad ones fails it', () => {
    const per = { ...metric, per: 'cluster', count: 2 } as const
    const it = afterWave([per])
    it.answer({ kind: 'values', values: { a: [0], b: [1] } }, 0)
    it.look(60_000)
    it.answer({ kind: 'values', values: { a: [0], b: [0] } }, 60_000)
    assert.equal(it.run.wave, 0, 'a has two good values and b has one')
    it.look(120_000)
    it.answer({ kind: 'values', values: { a: [0], b: [0] } }, 120_000)
    assert.equal(it.run.wave, 1)

    const other = afterWave([per])
    other.answer({ kind: 'values', values: { a: [1], b: [0] } }, 0)
    other.look(60_000)
    other.answer({ kind: 'values', values: { a: [1], b: [0] } }, 60_000)
    assert.equal(other.run.phase, 'Paused')
    assert.match(other.run.message, /a: 1 is more than 0.05/)
  })

  test('per cluster: only those that run it well are measured, and with none `missing` decides', () => {
    const per = { ...metric, per: 'cluster', count: 1 } as const
    const it = afterWave([per], { onFailure: 'continue' }, ['a', 'b'])
    assert.deepEqual(it.last.measurements[0]?.clusters, ['a', 'b'])
    const none = drive(plan([wave('one', ['a'], { after: [per] }), wave('two', ['z'])]))
    none.act({ kind: 'start' })
    none.act({ kind: 'skip', cluster: 'a' })
    assert.deepEqual(none.last.measurements[0]?.clusters, [])
    none.answer({ kind: 'values', values: {} }, 0)
    assert.equal(none.run.phase, 'Paused')
    assert.match(none.run.message, /nothing to measure/)
  })

  test('one that cannot be asked holds, says why, and decides nothing', () => {
    const it = afterWave([{ ...metric, failureLimit: 0 }])
    it.answer({ kind: 'unanswered', message: 'connection refused' }, 0)
    assert.equal(it.run.phase, 'Progressing')
    assert.deepEqual(it.last.waitingFor, [
      'the gate after wave one waits for the metric errors: connection refused; it is asked until it answers, with no deadline: `promote` opens it',
    ])
    const { run } = it
    it.answer({ kind: 'unanswered', message: 'connection refused' }, 60_000)
    assert.equal(it.run, run, 'the same again is no news')
  })

  test('one that stops to answer still tells what was counted, and no time that is over', () => {
    const it = afterWave([metric])
    it.answer(values(0.01), 0)
    assert.match(it.last.waitingFor[0]!, /1 of 3 good values; .*; next at 1970-01-01T00:01:00/)
    it.look(60_000)
    it.answer({ kind: 'unanswered', message: 'connection refused' }, 61_000)
    it.look(62_000)
    assert.deepEqual(it.last.waitingFor, [
      'the gate after wave one measures the metric errors: 1 of 3 good values; connection refused; it is asked until it answers, with no deadline: `promote` opens it',
    ])
  })

  test('one with a deadline does not say that it has none', () => {
    const it = afterWave([cel])
    it.answer({ kind: 'unanswered', message: 'no fleet yet' }, 0)
    assert.doesNotMatch(it.last.waitingFor[0]!, /no deadline/)
  })
})

describe('conditions and webhooks', () => {
  test('pass and fail decide, wait holds with its reason', () => {
    const it = afterWave([webhook])
    it.answer({ kind: 'verdict', verdict: 'wait', message: 'change CHG7 is not approved' }, 0)
    assert.match(
      it.last.waitingFor[0]!,
      /webhook https:\/\/change.example\/ask: change CHG7 is not/,
    )
    it.answer({ kind: 'verdict', verdict: 'pass', message: 'approved' }, 30_000)
    assert.equal(it.run.wave, 1)
    const no = afterWave([webhook])
    no.answer({ kind: 'verdict', verdict: 'fail', message: 'rejected' }, 0)
    assert.match(no.run.message, /rejected/)
    assert.equal(no.run.phase, 'Paused')
  })

  test('fail at their deadline, with the last reason', () => {
    const it = afterWave([cel])
    it.answer({ kind: 'verdict', verdict: 'wait', message: 'it does not hold yet' }, 1)
    assert.equal(it.last.recheckAt, 100_000)
    it.look(100_000)
    assert.equal(it.run.phase, 'Paused')
    assert.match(it.run.message, /fleet.connected > 2: not in time \(it does not hold yet\)/)
  })
})

describe('gates together', () => {
  test('all of a side have to open; they measure, soak and ask for people at once', () => {
    const approval = { kind: 'approval', role: 'operator', count: 2 } as const
    const it = afterWave([approval, soak, { ...metric, count: 1 }])
    assert.equal(it.last.waitingFor.length, 4, it.last.waitingFor.join('\n'))
    it.act({ kind: 'approve' }, 1, 'ada')
    it.act({ kind: 'approve' }, 2, 'ada')
    it.answer(values(0), 3)
    it.look(10_000)
    assert.equal(it.run.wave, 0, 'one of two people')
    it.act({ kind: 'approve' }, 10_001, 'bob')
    assert.equal(it.run.wave, 1)
  })

  test('promote opens what measures and soaks, and never stands for an approval', () => {
    const it = afterWave([{ kind: 'approval', role: 'operator' }, soak])
    it.act({ kind: 'promote' }, 1)
    assert.equal(it.run.wave, 0)
    assert.throws(() => it.act({ kind: 'promote' }, 2), code('conflict'))
    it.act({ kind: 'approve' }, 3)
    assert.equal(it.run.wave, 1)
  })

  test('a gate before a wave keeps its clusters from being offered anything', () => {
    const it = drive(plan([wave('one', ['a'], { before: [{ ...metric, count: 1 }] })]))
    it.act({ kind: 'start' })
    assert.deepEqual(it.outcomes(), { a: 'Pending' })
    it.answer(values(0), 5)
    assert.deepEqual(it.outcomes(), { a: 'Offered' })
  })

  test('a plan of an earlier version of the hub, without gate states, goes on', () => {
    const it = drive(plan([wave('one', ['a'], { before: [soak] })]))
    it.act({ kind: 'start' })
    it.forgetGates()
    it.look(5_000)
    it.look(15_000)
    assert.deepEqual(it.outcomes(), { a: 'Offered' })
  })
})

describe('what withholds new content', () => {
  test('keeps it from one cluster, says so, looks again in time, and lets what runs come to its end', () => {
    const it = drive(plan([wave('one', ['a', 'b'], { maxConcurrent: 2 })]))
    const withheld = { until: 5_000, reason: 'the window of Project shop' }
    it.seen['b'] = { ...it.seen['b']!, withheld }
    it.act({ kind: 'start' })
    assert.deepEqual(it.outcomes(), { a: 'Offered', b: 'Pending' })
    assert.equal(it.last.recheckAt, 5_000)
    assert.ok(it.last.waitingFor.includes('1 cluster waits for the window of Project shop'))
    it.seen['a'] = { ...reports(good, 1), withheld }
    it.look(100)
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Pending' })
    it.seen['b'] = { ...it.seen['b'], withheld: null }
    it.look(5_000)
    assert.deepEqual(it.outcomes(), { a: 'Succeeded', b: 'Offered' })
  })

  test('does not keep a rollback back', () => {
    const it = drive(plan([wave('one', ['a'])]))
    it.act({ kind: 'start' })
    it.seen['a'] = { ...reports(good, 1), withheld: { until: null, reason: 'a freeze' } }
    it.act({ kind: 'rollback' }, 10)
    assert.deepEqual(it.outcomes(), { a: 'Reverting' })
  })
})

test('abort states an outcome for every cluster, and those on their way keep what they were offered', () => {
  const it = drive(plan([wave('one', ['a', 'b', 'c'], { maxConcurrent: 2, soak: 5_000 })]))
  it.act({ kind: 'start' })
  it.seen['a'] = reports(good, 1)
  it.look(1)
  it.act({ kind: 'abort' }, 2)
  assert.deepEqual(it.outcomes(), { a: 'Skipped', b: 'Skipped', c: 'Skipped' })
  const [a, c] = [it.run.clusters['a']!, it.run.clusters['c']!]
  assert.ok(a.state === 'Done' && a.generation === 1 && /on its way/.test(a.message))
  assert.ok(c.state === 'Done' && c.generation === 0 && /before its turn/.test(c.message))
  it.act({ kind: 'rollback' }, 3)
  assert.deepEqual(it.outcomes(), { a: 'Reverting', b: 'Reverting', c: 'Skipped' })
})
