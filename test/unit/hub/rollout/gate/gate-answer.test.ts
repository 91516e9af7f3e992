import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MetricGate } from '../../../../../hub/rollout/gate/planned-gate.ts'
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

// It said that there was nothing to measure, and advised to measure again.
describe('a metric behind a wave of which no cluster changes', () => {
  const metric: MetricGate = {
    ...{ kind: 'metric', template: 'errors', address: 'https://prometheus.example', query: 'up' },
    ...{ labels: {}, success: { max: 1 }, interval: 60_000, timeout: 10_000, count: 1 },
    ...{ failureLimit: 0, missing: 'fail', per: 'cluster' },
  }
  const waves = (gate: MetricGate, ...canary: string[]) =>
    plan([wave('canary', canary, { after: [gate] }), wave('prod', ['b'])])
  const hint = /changes no cluster of this wave: `promote` goes on without its word/

  for (const [per, values] of [
    ['cluster', {}],
    ['wave', { '*': [] }],
  ] as const) {
    test(`I6 fails for want of data, and says that measuring again is of no use; measured per ${per}`, () => {
      const it = drive(waves({ ...metric, per }))
      it.act({ kind: 'start' })
      it.answer({ kind: 'values', values }, 0)
      assert.deepEqual([it.run.phase, it.run.clusters['b']?.state], ['Paused', 'Pending'])
      assert.match(it.run.message, hint)
      it.act({ kind: 'promote' })
      assert.equal(it.run.clusters['b']?.state, 'Offered')
    })
  }

  test('lets by what its template says may go without data, and what was measured elsewhere', () => {
    const passing = drive(waves({ ...metric, missing: 'pass' }))
    passing.act({ kind: 'start' })
    passing.answer({ kind: 'values', values: {} }, 0)
    assert.equal(passing.run.wave, 1)
    const whole = drive(waves({ ...metric, per: 'wave' }))
    whole.act({ kind: 'start' })
    whole.answer({ kind: 'values', values: { '*': [7] } }, 0)
    assert.equal(whole.run.phase, 'Paused')
    assert.doesNotMatch(whole.run.message, hint, 'it is bad, whoever changes')
  })

  test('says nothing of that where its clusters change and none runs it', () => {
    const it = drive(waves(metric, 'a'))
    it.act({ kind: 'start' })
    it.act({ kind: 'skip', cluster: 'a' })
    it.answer({ kind: 'values', values: {} }, 0)
    assert.equal(it.run.phase, 'Paused')
    assert.doesNotMatch(it.run.message, hint)
  })
})
