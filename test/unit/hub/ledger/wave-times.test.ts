import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { foldWaveTimes, noTimes, type WaveTimes } from '../../../../hub/ledger/wave-times.ts'
import { applyChange, type RunChange } from '../../../../hub/rollout/store/change.ts'
import { createRun } from '../../../../hub/rollout/plan/plan.ts'
import type { ClusterProgress } from '../../../../hub/rollout/rollout.ts'
import { plan, wave } from '../rollout/world.ts'

const offered = (at: number): ClusterProgress => ({
  state: 'Offered',
  generation: 1,
  offeredAt: at,
})
const soaking = (at: number): ClusterProgress => ({
  ...{ state: 'Soaking', generation: 1, offeredAt: 0, healthySince: at },
})
const done = (at: number): ClusterProgress => ({
  ...{ state: 'Done', outcome: 'Succeeded', generation: 1, at, message: '' },
})

function fold(...changes: readonly Omit<RunChange, 'version'>[]): WaveTimes {
  let run = createRun(plan([wave('one', ['a', 'b']), wave('two', ['c'])]))
  let times = noTimes
  for (const change of changes) {
    const made = { ...change, version: run.version + 1 }
    times = foldWaveTimes(times, run, made)
    run = applyChange(run, made)
  }
  return times
}

describe('the times of a wave', () => {
  test('are without idle ones where one cluster follows the other', () => {
    const { starts, idle } = fold(
      { waveStartedAt: 10, clusters: { a: offered(10) } },
      { clusters: { a: soaking(15) } },
      { clusters: { a: done(20), b: offered(20) } },
      { clusters: { b: done(30) } },
    )
    assert.deepEqual([starts.get(0), idle.get(0)], [10, 0])
  })

  test('count what passes before a window opens, and while it is closed in between', () => {
    const { starts, idle, inFlight } = fold(
      { waveStartedAt: 10 },
      { clusters: { a: offered(60) } },
      { clusters: { a: done(70) } },
      { clusters: { b: offered(100) } },
      { clusters: { b: done(110) } },
      { wave: 1, waveStartedAt: 120, clusters: { c: offered(125) } },
    )
    assert.deepEqual(
      [...starts],
      [
        [0, 10],
        [1, 120],
      ],
    )
    assert.deepEqual(
      [...idle],
      [
        [0, 80],
        [1, 5],
      ],
    )
    assert.equal(inFlight, 1)
  })

  test('are not idle while one of several is on its way', () => {
    const { idle } = fold(
      { waveStartedAt: 0, clusters: { a: offered(0) } },
      { clusters: { b: offered(50) } },
      { clusters: { a: done(60), b: done(60) } },
    )
    assert.equal(idle.get(0), 0)
  })
})
