import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClusterProgress, RolloutRun } from '../../../../../hub/rollout/rollout.ts'
import { explainWaiting } from '../../../../../hub/rollout/step/waiting.ts'
import { away, good, old, plan, reports, wave } from '../world.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const made = plan([wave('canary', names), wave('rest', ['z'])])
const succeeded = {
  ...{ state: 'Done', outcome: 'Succeeded', message: 'healthy', generation: 3, at: 1 },
} as unknown as ClusterProgress
const run = {
  ...{
    id: 'r',
    version: 1,
    phase: 'Paused',
    message: 'paused by ada',
    wave: 0,
    gates: {},
    approvals: [],
  },
  clusters: Object.fromEntries(names.map((name) => [name, succeeded])),
} as unknown as RolloutRun

const broken = reports(good, 3, { health: 'Failed', message: 'apps/Deployment/web: crashes' })

describe('a cluster that fails after it had succeeded', () => {
  it('is told to whoever is asked whether the rollout may go on', () => {
    const [, ...told] = explainWaiting(made, run, { a: broken, b: reports(good, 3) }, 0)
    assert.deepEqual(told, [
      'cluster a of wave canary had succeeded and fails now: unhealthy: apps/Deployment/web: crashes',
    ])
  })

  it('is not one that is away, is healing, or reports other content', () => {
    const observations = {
      a: away(0),
      b: reports(good, 3, { health: 'InProgress' }),
      c: reports(old, 3, { health: 'Failed' }),
      d: reports(good, 2, { health: 'Failed' }),
    }
    assert.equal(explainWaiting(made, run, observations, 0).length, 1)
  })

  it('is counted where there are many', () => {
    const all = Object.fromEntries(names.map((name) => [name, broken]))
    const told = explainWaiting(made, run, all, 0)
    assert.equal(told.length, 7)
    assert.equal(told.at(-1), '2 more clusters had succeeded and fail now')
  })
})
