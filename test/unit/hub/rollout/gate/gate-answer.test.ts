import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drive, good, plan, reports, wave } from '../world.ts'

const cel = { kind: 'cel', expression: 'true', interval: 15_000, deadline: 100_000 } as const

describe('a gate that is asked', () => {
  test('fails at its deadline, though an answer comes before anybody has looked at the clock', () => {
    const it = drive(plan([wave('one', ['a'], { after: [cel] }), wave('two', ['b'])]))
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, 1)
    it.look(0)
    it.answer({ kind: 'verdict', verdict: 'pass', message: 'it holds' }, 100_000)
    assert.equal(it.run.phase, 'Paused')
    assert.match(it.run.message, /failed a gate: .* not in time/)
  })
})
