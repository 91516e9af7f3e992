import type { Fleet } from '../fleet/fleet.ts'
import { findNewer } from '../ledger/accepted.ts'
import type { LedgerState } from '../ledger/replay.ts'
import type { Contents } from '../render/contents.ts'
import { historyOf, isRedone, isUnheard } from './changes.ts'

/**
 * Where Git has asked for something else since a rollout ended: of each the clusters that it ended without, which would
 * not get its content by themselves any more. Once Git asks for that content again, a person has decided so anew.
 * What is no person's decision says nothing: a host that is behind, a render that lacks a cluster, an empty selection.
 *
 * @param isLeaving whether Git places the application on a cluster no more only since a moment ago
 */
export function listOverruled(
  state: LedgerState,
  fleet: Pick<Fleet, 'clusters' | 'revision'>,
  contents: Pick<Contents, 'applications' | 'skipped'>,
  application: string,
  isLeaving: (cluster: string) => boolean,
): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const desired = contents.applications.get(application)
  if (desired?.size === 0 || findNewer(state, fleet.revision) !== undefined) return found
  const skipped = contents.skipped.get(application)
  const isSaid = (cluster: string): boolean =>
    fleet.clusters.has(cluster) && skipped?.has(cluster) !== true && !isLeaving(cluster)
  const seen = new Set<string>()
  for (const past of historyOf(state, application)) {
    const { id, targets } = past.plan
    for (const [cluster, { digest }] of Object.entries(targets)) {
      if (seen.has(cluster) || isUnheard(past, cluster)) continue
      seen.add(cluster)
      const isElse = (desired?.get(cluster)?.digest ?? null) !== digest
      if (!isElse || past.overruled?.has(cluster) || isRedone(past, cluster)) continue
      if (!isSaid(cluster)) continue
      const mine = found.get(id)
      if (mine) mine.push(cluster)
      else found.set(id, [cluster])
    }
  }
  return found
}
