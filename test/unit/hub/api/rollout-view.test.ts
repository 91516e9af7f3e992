import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Compile } from 'typebox/compile'
import { RolloutView, summarizeRollout, viewRollout } from '../../../../hub/api/rollout-view.ts'
import type { ClusterProgress, PlannedWave } from '../../../../hub/rollout/rollout.ts'
import { createFakeHub } from '../../../support/fake-hub.ts'

const [record] = createFakeHub().records
assert(record)
const withClusters = (clusters: Record<string, ClusterProgress>) => ({
  ...record,
  run: { ...record.run, clusters },
})
const done = { state: 'Done', generation: 1, at: 0, message: 'why' } as const

describe('viewRollout', () => {
  it('fits the schema it is served with', () => {
    assert.deepEqual(Compile(RolloutView).Errors(viewRollout(record)), [])
  })

  it('says of each wave whether it has passed, is current or waits', () => {
    const states = (run: Partial<typeof record.run>) =>
      viewRollout({ ...record, run: { ...record.run, ...run } }).waves.map((wave) => wave.state)
    assert.deepEqual(states({ wave: 0, phase: 'Planned' }), ['Waiting', 'Waiting'])
    assert.deepEqual(states({ wave: 0 }), ['Current', 'Waiting'])
    assert.deepEqual(states({ wave: 1, phase: 'Paused' }), ['Passed', 'Current'])
    assert.deepEqual(states({ wave: 1, phase: 'Succeeded' }), ['Passed', 'Passed'])
  })

  it('names who approved a gate, and only that gate', () => {
    const approvals = [{ wave: 1, gate: 'before', actor: 'ada', at: 0, reason: '' }] as const
    const view = viewRollout({ ...record, run: { ...record.run, approvals } })
    assert.equal(view.waves[1]?.before[0]?.approvedBy, 'ada')
    assert.equal(viewRollout(record).waves[1]?.before[0]?.approvedBy, null)
  })

  it('calls an approval after a wave pending while clusters of the wave move, and waiting once they are done', () => {
    const approval = { kind: 'approval', role: 'operator' } as const
    const [canary, prod] = record.plan.waves as [PlannedWave, PlannedWave]
    const plan = { ...record.plan, waves: [{ ...canary, after: [approval] }, prod] }
    const lab = { generation: 1, offeredAt: 0 }
    const stateOf = (run: Partial<typeof record.run>) =>
      viewRollout({ ...record, plan, run: { ...record.run, wave: 0, waveStartedAt: 1, ...run } })
        .waves[0]?.after[0]?.state
    assert.equal(stateOf({ clusters: { lab: { state: 'Pending' } } }), 'pending')
    assert.equal(stateOf({ clusters: { lab: { state: 'Offered', ...lab } } }), 'pending')
    assert.equal(
      stateOf({ clusters: { lab: { state: 'Soaking', ...lab, healthySince: 0 } } }),
      'pending',
    )
    const clusters = { lab: { ...done, outcome: 'Succeeded' } } as const
    assert.equal(stateOf({ clusters }), 'waiting')
    assert.equal(stateOf({ clusters, phase: 'Paused' }), 'waiting')
  })

  it('calls no approval waiting of a rollout that goes back, or is over', () => {
    const stateOf = (run: Partial<typeof record.run>) =>
      viewRollout({ ...record, run: { ...record.run, ...run } }).waves[1]?.before[0]?.state
    assert.equal(stateOf({}), 'waiting')
    assert.equal(stateOf({ phase: 'RollingBack' }), 'pending')
    assert.equal(stateOf({ phase: 'Aborted', finishedAt: 1 }), 'pending')
  })

  it('keeps the message and outcome of a cluster that is done', () => {
    const view = viewRollout(withClusters({ lab: { ...done, outcome: 'TimedOut' } }))
    const lab = view.waves[0]?.clusters[0]
    assert.deepEqual([lab?.state, lab?.outcome, lab?.message], ['Done', 'TimedOut', 'why'])
  })

  it('says of a cluster why it did not confirm that it went back', () => {
    const back = { state: 'Reverted', generation: 1, at: 0, outcome: null } as const
    const messageOf = (progress: ClusterProgress) =>
      viewRollout(withClusters({ lab: progress })).waves[0]?.clusters[0]?.message
    assert.equal(
      messageOf({ ...back, unconfirmed: 'apply failed: 7 objects (prune_held)' }),
      'it did not confirm that it went back: apply failed: 7 objects (prune_held)',
    )
    assert.equal(messageOf(back), '')
  })
})

describe('summarizeRollout', () => {
  it('counts an unreachable cluster neither as healthy nor as failed', () => {
    const { counts } = summarizeRollout(withClusters({ lab: { ...done, outcome: 'Unreachable' } }))
    assert.equal(counts.unreachable, 1)
    assert.equal(counts.succeeded + counts.failed + counts.timedOut, 0)
  })

  it('counts every cluster once, those without progress as pending', () => {
    const { total, ...counts } = summarizeRollout(
      withClusters({
        lab: { ...done, outcome: 'Vetoed' },
        'edge-1': { state: 'Reverting', generation: 1, offeredAt: 0, outcome: null },
      }),
    ).counts
    assert.equal(total, 3)
    assert.equal(
      Object.values(counts).reduce((sum, count) => sum + count, 0),
      3,
    )
    assert.deepEqual([counts.vetoed, counts.inFlight, counts.pending], [1, 1, 1])
  })

  it('is active until its phase is final', () => {
    const active = (phase: 'Paused' | 'Failed') =>
      summarizeRollout({ ...record, run: { ...record.run, phase } }).active
    assert.equal(active('Paused'), true)
    assert.equal(active('Failed'), false)
  })
})
