import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { listEnded } from '../../../../hub/status/ended.ts'
import { unknownCluster } from '../../../../hub/status/fold.ts'
import type { ApplicationStatus, ClusterStatus, Phase } from '../../../../hub/status/status.ts'

function clusterWith(phase: Phase, generation: number, sequence = 7): ClusterStatus {
  const web: ApplicationStatus = {
    ...{ application: 'web', digest: digestOf('x'), generation, phase, health: 'Current' },
    ...{ objects: 1, readyObjects: 1, unhealthy: [], errors: [], drift: [], driftedObjects: 0 },
    ...{ healed: 0, updatedAt: 0 },
  }
  return { ...unknownCluster('a'), sequence, applications: { web } }
}

const offered = { sequence: 7, at: 1_000 }

describe('what came to an end', () => {
  it('is told once, with the time since the offer', () => {
    const applied = clusterWith('Applied', 3)
    assert.deepEqual(listEnded(applied, clusterWith('Applying', 3), offered, 3_500), [
      { phase: 'Applied', seconds: 2.5 },
    ])
    assert.deepEqual(listEnded(clusterWith('Applied', 3), applied, offered, 9_000), [])
    assert.deepEqual(listEnded(applied, applied, offered, 9_000), [])
  })

  it('is told of new content that ends as the old one had', () => {
    const failed = listEnded(clusterWith('Failed', 4), clusterWith('Failed', 3), offered, 2_000)
    assert.deepEqual(failed, [{ phase: 'Failed', seconds: 1 }])
  })

  it('has no time of an offer that the cluster does not run yet, or that is not known', () => {
    const before = clusterWith('Applying', 3, 6)
    for (const known of [offered, undefined]) {
      assert.deepEqual(listEnded(clusterWith('Applied', 3, 6), before, known, 2_000), [
        { phase: 'Applied', seconds: null },
      ])
    }
  })

  it('is nothing while it goes on', () => {
    const before = clusterWith('Pending', 3)
    assert.deepEqual(listEnded(clusterWith('Applying', 3), before, offered, 2_000), [])
  })
})
