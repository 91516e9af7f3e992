import type { Hub } from '../../hub/api/hub.ts'
import { timestamp } from '../../hub/api/rollout-view.ts'
import type { ClusterView, PendingView } from '../../hub/api/views.ts'
import { HubError } from '../../hub/errors.ts'

type Membership = Pick<
  Hub,
  | 'createToken'
  | 'authorities'
  | 'pendingClusters'
  | 'approveCluster'
  | 'revokeCluster'
  | 'unlockCluster'
  | 'recoverCluster'
>

/** Who belongs to the fake fleet: `lab` waits for approval. */
export function createFakeMembership(clustersNow: () => ClusterView[], now: number): Membership {
  const pending: PendingView[] = [
    {
      cluster: 'lab',
      clusterId: 'id-of-lab',
      clusterUid: '6f0f2c26-0000-4000-8000-000000000001',
      fingerprint: '0123-4567-89ab-cdef-0123-4567-89ab-cdef',
      since: timestamp(now),
      replaces: false,
    },
  ]
  const become = (name: string, lifecycle: ClusterView['lifecycle'], why?: string): void => {
    const clusters = clustersNow()
    const index = clusters.findIndex((one) => one.name === name)
    if (index < 0) throw new HubError('not_found', `No cluster ${name}`)
    clusters[index] = { ...clusters[index]!, lifecycle, lifecycleReason: why ?? '' }
  }
  return {
    createToken: async (cluster, { ttl, preApproved }) => {
      if (!clustersNow().some((one) => one.name === cluster)) {
        throw new HubError('not_found', `No cluster ${cluster}`)
      }
      return {
        cluster,
        token: 'gsw1.abcdefghij.secret',
        expiresAt: timestamp(now + ttl),
        address: 'hub.example:7443',
        preApproved: preApproved === true,
      }
    },
    authorities: () => [
      {
        pin: `sha256:${'a'.repeat(64)}`,
        state: 'Issuing',
        from: '2025-01-01T00:00:00.000Z',
        to: '2035-01-01T00:00:00.000Z',
        daysLeft: 3287,
      },
    ],
    pendingClusters: () => pending,
    approveCluster: async (name, fingerprint) => {
      const index = pending.findIndex(({ cluster }) => cluster === name)
      if (index < 0) throw new HubError('not_found', `No agent of cluster ${name} waits`)
      if (pending[index]!.fingerprint !== fingerprint) {
        throw new HubError('conflict', 'It has another fingerprint')
      }
      pending.splice(index, 1)
    },
    revokeCluster: async (name, _, reason) => become(name, 'Revoked', reason),
    unlockCluster: async (name) => become(name, 'Enrolled'),
    recoverCluster: async (name) => become(name, 'Enrolled'),
  }
}
