import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MetricGate, PlannedGate } from '../../../../../hub/rollout/gate/planned-gate.ts'
import { drive, good, idle, plan, reports, wave } from '../world.ts'

const approval = { kind: 'approval', role: 'operator' } as const
const cel = { kind: 'cel', expression: 'fleet.connected > 2', interval: 15_000 } as const
const holds = { kind: 'verdict', verdict: 'pass', message: 'it holds' } as const
const fails = { kind: 'verdict', verdict: 'wait', message: 'it does not hold yet' } as const
const day = 86_400_000

/** At the gate after its first wave. */
function standing(closed: string | null = null) {
  const it = drive(plan([wave('one', ['a'], { after: [approval, cel] }), wave('two', ['z'])]))
  it.seen['a'] = { ...idle(), closed }
  it.act({ kind: 'start' })
  it.seen['a'] = { ...reports(good, 1), closed }
  it.look(0)
  return it
}

// All was well when the canary was done; a day later, when somebody approved, nothing was.
describe('a condition beside a gate that keeps the rollout longer', () => {
  test('is asked once more when that opens, and has to hold still', () => {
    const it = standing()
    it.answer(holds, 0)
    assert.deepEqual(it.look(day / 2).measurements, [], 'not all the time meanwhile')
    it.act({ kind: 'approve' }, day)
    assert.equal(it.run.wave, 0)
    assert.deepEqual(it.last.waitingFor, [
      'the gate after wave one waits for the condition fleet.connected > 2: no answer yet',
    ])
    it.answer(fails, day)
    assert.equal(it.run.wave, 0)
    it.answer(holds, day + 15_000)
    assert.equal(it.run.wave, 1)
  })

  test('opens at once where it was asked a moment ago', () => {
    const it = standing()
    it.answer(holds, 0)
    it.act({ kind: 'approve' }, 15_000)
    assert.equal(it.run.wave, 1)
  })

  // What had held was believed for as long as the clock had been set back.
  test('is asked once more where the clock was set back since', () => {
    const it = standing()
    it.answer(holds, day)
    it.act({ kind: 'approve' }, 15_000)
    assert.equal(it.run.wave, 0)
    it.answer(holds, 15_000)
    assert.equal(it.run.wave, 1)
  })

  test('is not asked again where a person has opened it', () => {
    const it = standing()
    it.act({ kind: 'promote' }, 0)
    it.act({ kind: 'approve' }, day)
    assert.equal(it.run.wave, 1)
  })

  test('is not asked for as long as nothing is proven', () => {
    const it = standing('is suspended')
    it.act({ kind: 'approve' }, 0)
    it.answer(holds, 0)
    assert.deepEqual(it.look(day).measurements, [])
    it.act({ kind: 'skip', cluster: 'a' }, day)
    assert.equal(it.last.measurements.length, 1, 'it is asked as it would go on')
  })
})

const metric: MetricGate = {
  kind: 'metric',
  template: 'errors',
  address: 'https://prometheus.example',
  query: 'errors',
  per: 'wave',
  labels: {},
  success: { max: 1 },
  missing: 'fail',
  interval: 60_000,
  count: 3,
  failureLimit: 0,
  timeout: 10_000,
}
const few = { kind: 'values', values: { '*': [0] } } as const
const many = { kind: 'values', values: { '*': [7] } } as const

describe('a metric beside a gate that keeps the rollout longer', () => {
  /** At the gate after its first wave, with as many good values as it needs. */
  function measured(gates: readonly PlannedGate[] = [approval, metric]) {
    const it = drive(plan([wave('one', ['a'], { after: gates }), wave('two', ['z'])]))
    it.seen['a'] = idle()
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, 1)
    it.look(0)
    for (const at of [0, 60_000, 120_000]) {
      it.look(at)
      for (const { gate } of it.last.measurements) it.answer(few, at, gate)
    }
    return it
  }

  // What was good in the morning let the rollout go on in the evening, whatever it had become.
  test('I6 is measured once more when that opens, and has to be good still', () => {
    for (const [answer, phase, wave] of [
      [few, 'Progressing', 1],
      [many, 'Paused', 0],
    ] as const) {
      const it = measured()
      assert.deepEqual(it.look(day / 2).measurements, [], 'not all the time meanwhile')
      it.act({ kind: 'approve' }, day)
      assert.deepEqual([it.run.wave, it.last.measurements.length], [0, 1])
      it.answer(answer, day)
      assert.deepEqual([it.run.phase, it.run.wave], [phase, wave])
    }
  })

  test('opens at once where it was measured a moment ago', () => {
    const it = measured()
    it.act({ kind: 'approve' }, 180_000)
    assert.equal(it.run.wave, 1)
  })

  test('is not measured for ever beside another that answers as slowly', () => {
    const quick = { ...metric, interval: 1_000, count: 1 }
    const it = measured([approval, quick, quick])
    it.act({ kind: 'approve' }, day)
    assert.equal(it.last.measurements.length, 2)
    it.answer(few, day, '0/after/1')
    it.answer(few, day + 9_000, '0/after/2')
    assert.equal(it.run.wave, 1)
  })
})
