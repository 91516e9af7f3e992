import { digestOf } from '@groundswell/proto/digest.ts'
import { putAssignment } from '../../../../hub/ledger/by-application.ts'
import { emptyState, type LedgerState } from '../../../../hub/ledger/replay.ts'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import type { Assignment } from '../../../../hub/rollout/rollout.ts'
import type { Known } from '../../../../hub/status/cluster-view.ts'
import { unknownCluster } from '../../../../hub/status/fold.ts'
import type { ApplicationStatus, ClusterStatus } from '../../../../hub/status/status.ts'

export const wanted = digestOf('wanted')

/** An application as its agent reports it: applied and healthy, unless `rest` says otherwise. */
export function application(
  name: string,
  rest: Partial<ApplicationStatus> = {},
): ApplicationStatus {
  return {
    application: name,
    digest: wanted,
    generation: 1,
    phase: 'Applied',
    health: 'Current',
    objects: 2,
    readyObjects: 2,
    unhealthy: [],
    errors: [],
    drift: [],
    driftedObjects: 0,
    healed: 0,
    updatedAt: 20,
    ...rest,
  }
}

/** A connected cluster, unless `rest` says otherwise. */
export function cluster(name: string, rest: Partial<ClusterStatus> = {}): ClusterStatus {
  return {
    ...unknownCluster(name),
    connection: { state: 'Connected', since: 10, replica: 'r' },
    ...rest,
  }
}

export function assignment(
  cluster: string,
  name: string,
  rest: Partial<Assignment> = {},
): Assignment {
  return {
    cluster,
    application: name,
    digest: wanted,
    size: 1,
    revision: 'main@sha1:1',
    generation: 1,
    rollout: 'r1',
    ...rest,
  }
}

const api = 'apiVersion: groundswell.dev/v1alpha1'

/** Clusters a, b and c in group `all` (a and b), application `shop` on all of them. */
export const fleet = loadFleet(`main@sha1:${'1'.repeat(40)}`, [
  {
    path: 'fleet.yaml',
    bytes: Buffer.from(
      [
        `${api}\nkind: Cluster\nmetadata: { name: a, labels: { ring: one } }\nspec: { displayName: The A }`,
        `${api}\nkind: Cluster\nmetadata: { name: b, labels: { ring: one } }\nspec: { suspend: true }`,
        `${api}\nkind: Cluster\nmetadata: { name: c }\nspec: {}`,
        `${api}\nkind: ClusterGroup\nmetadata: { name: all }\nspec: { selector: { matchLabels: { ring: one } } }`,
        `${api}\nkind: Application\nmetadata: { name: shop }\nspec: { source: { path: shop }, targets: [{ clusterSelector: {} }] }`,
      ].join('\n---\n'),
    ),
  },
])

/** What a hub knows that holds these assignments and heard these statuses. */
export function knownOf(
  assignments: readonly Assignment[],
  statuses: readonly ClusterStatus[],
  rest: Partial<Known> = {},
): Known & { readonly state: LedgerState } {
  const state = emptyState()
  for (const one of assignments) putAssignment(state, one)
  const byName = new Map(statuses.map((status) => [status.cluster, status]))
  return {
    fleet,
    state,
    status: (name) => byName.get(name) ?? unknownCluster(name),
    offered: () => undefined,
    now: 100_000,
    ...rest,
  }
}

export function enrol(state: LedgerState, ...clusters: string[]): void {
  for (const cluster of clusters) {
    state.enrolments.set(cluster, {
      cluster,
      clusterId: `id-${cluster}`,
      clusterUid: cluster,
      boundKey: '',
      enrolledAt: 0,
    })
  }
}
