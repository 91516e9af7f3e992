import type { Fleet } from '../../fleet/fleet.ts'
import { findNewer } from '../../ledger/accepted.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { Contents } from '../../render/contents.ts'
import { historyOf, isRedone, isUnheard, type PastRollout } from './changes.ts'
import type { RolloutRun } from '../rollout.ts'

/**
 * Where Git has asked for something else since a rollout ended: of each the clusters that it ended without, which would
 * not get its content by themselves any more. Once Git asks for that content again, a person has decided so anew.
 * What is no person's decision says nothing: a host that is behind, a render that lacks a cluster, an empty selection.
 */
export function listOverruled(
  state: LedgerState,
  fleet: Pick<Fleet, 'clusters' | 'revision'>,
  contents: Pick<Contents, 'applications' | 'skipped'>,
  application: string,
): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const desired = contents.applications.get(application)
  if (desired?.size === 0 || findNewer(state, fleet.revision) !== undefined) return found
  const skipped = contents.skipped.get(application)
  const isSaid = (cluster: string): boolean =>
    fleet.clusters.has(cluster) && skipped?.has(cluster) !== true
  const history = historyOf(state, application)
  history.forEach((past, at) => {
    const { id, targets } = past.plan
    const clusters = listStopped(past).filter((cluster) => {
      const isElse = (desired?.get(cluster)?.digest ?? null) !== targets[cluster]!.digest
      if (!isElse || past.overruled?.has(cluster) || !isSaid(cluster)) return false
      // What a newer one says of it counts.
      return !history
        .slice(0, at)
        .some((one) => one.plan.targets[cluster] !== undefined && !isUnheard(one, cluster))
    })
    if (clusters.length > 0) found.set(id, clusters)
  })
  return found
}

/** Clusters that a rollout ended without, and that it is not to come to by itself. */
function listStopped(past: PastRollout): readonly string[] {
  const known =
    stopped.get(past.run) ??
    Object.keys(past.plan.targets).filter(
      (cluster) => !isUnheard(past, cluster) && !isRedone(past, cluster),
    )
  stopped.set(past.run, known)
  return known
}

/** Runs are never changed, and those of all applications are looked at whenever Git is decided on. */
const stopped = new WeakMap<RolloutRun, readonly string[]>()
