import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { benchmarks } from '../../bench/benchmarks.ts'
import { checkContract, contract } from '../../bench/contract.ts'

describe('the contract of the benchmarks', () => {
  it('refuses figures in which one is missing, by its name', () => {
    assert.throws(
      () => checkContract('check', { cold_ms: 1, warmed_ms: 2 }),
      /check did not measure warm_ms/,
    )
    // One that could not be had is there, and says so.
    checkContract('check', { cold_ms: 1, warm_ms: null, renders: 3 })
  })

  for (const [name, metrics] of Object.entries(contract)) {
    it(`has a goal of ${name} by a name that is read`, () => {
      const { goals } = benchmarks[name as keyof typeof contract]
      assert.ok(
        goals.some(({ metric }) => metrics.includes(metric)),
        `${metrics.join()} against ${goals.map(({ metric }) => metric).join()}`,
      )
    })
  }
})
