import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { act } from '../../../../../hub/rollout/step/action.ts'
import type { ClusterProgress } from '../../../../../hub/rollout/rollout.ts'
import { explainWaiting } from '../../../../../hub/rollout/step/waiting.ts'
import { findObstacle } from '../../../../../hub/rollout/step/obstacle.ts'
import { plan, wave } from '../world.ts'

const failed = {
  ...{ state: 'Done', outcome: 'Failed', message: 'apply failed', generation: 1, endedAt: 1 },
} as unknown as ClusterProgress
const made = plan([wave('one', ['a', 'b'])], { id: 'r1', application: 'shop' })

describe('what keeps a paused rollout from being resumed', () => {
  it('is a budget that was spent, and what is waited for says so too', () => {
    const run = { phase: 'Paused', message: 'paused: x', clusters: { a: failed }, gates: {} }
    const advice = 'retry the failed clusters, skip them and resume, or roll back'
    assert.equal(findObstacle(made, { clusters: { a: failed }, gates: {} })?.advice, advice)
    const [first] = explainWaiting(made, run as never, {}, 0)
    assert.equal(first, `it is paused: x; somebody must ${advice}`)
  })

  it('is told to whoever begins it, too: it is not sent to a resume that is refused', () => {
    const run = { id: 'r1', phase: 'Paused', clusters: { a: failed }, gates: {}, startedAt: 1 }
    const moment = { plan: made, observations: {}, now: 0, generation: 1 }
    const event = { kind: 'action', action: { kind: 'start' }, actor: 'ada', reason: '' } as const
    const begin = () => act({} as never, run as never, event, moment)
    assert.throws(begin, /cannot be started: retry the failed clusters/)
  })

  it('is no failure that it goes on past', () => {
    const onwards = { ...made, onFailure: 'continue' } as const
    assert.equal(findObstacle(onwards, { clusters: { a: failed }, gates: {} }), null)
  })

  it('is a gate that failed', () => {
    const gates = { '0/before/0': { state: 'failed', at: 1, message: 'no' } } as never
    assert.match(findObstacle(made, { clusters: {}, gates })!.advice, /^retry to measure it again/)
  })

  it('is not there yet where it was not started, and what starts it is said', () => {
    const run = { phase: 'Planned', message: '', clusters: {}, gates: {} } as never
    assert.deepEqual(explainWaiting(made, run, {}, 0), [
      'it has not been started: `swell rollout begin r1` starts it',
    ])
    const [behind] = explainWaiting({ ...made, behind: 'r0' }, run, {}, 0)
    assert.match(behind!, /^it waits until rollout r0, which a person paused, goes on; `swell/)
  })

  it('is nothing where a person paused it', () => {
    const run = { phase: 'Paused', message: 'paused by ada', clusters: {}, gates: {} }
    assert.equal(findObstacle(made, { clusters: {}, gates: {} }), null)
    const [first] = explainWaiting(made, run as never, {}, 0)
    assert.equal(first, 'it is paused by ada; somebody must resume, or roll back')
  })
})
