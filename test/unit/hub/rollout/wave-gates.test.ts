import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drive, good, idle, plan, reports, wave } from './world.ts'

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
