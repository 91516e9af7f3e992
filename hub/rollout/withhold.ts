import type { Fleet } from '../fleet/fleet.ts'
import { dependenciesOn } from '../fleet/resolve.ts'
import { plansOf } from '../ledger/by-application.ts'
import type { LedgerState } from '../ledger/replay.ts'
import { explainDependency } from './dependency.ts'
import { windowsOn } from './fleet-windows.ts'
import { createOpenings, judgeWindows, type Withheld } from './windows.ts'

/** Why a cluster may be offered nothing new of an application now; null when it may. */
export type Withhold = (application: string, cluster: string, now: number) => Withheld | null

/**
 * Puts together what keeps new content back from a cluster whatever its rollout says: windows of the
 * application's Project, of the cluster and of its groups, and applications that come first. They are
 * read from the fleet as it is now, not from the plan: a freeze that is committed holds at once. Before
 * the fleet was read nothing new begins, since nobody knows what is frozen.
 */
export function createWithhold(fleet: () => Fleet | null, state: LedgerState): Withhold {
  const openings = createOpenings()
  return (application, cluster, now) => {
    const current = fleet()
    if (!current) return { until: null, reason: 'the fleet repository, which was not read yet' }
    const windows = windowsOn(current, application, cluster)
    if (windows.length > 0) {
      const closed = judgeWindows(windows, openings, now)
      if (closed) return closed
    }
    const first = explainDependencies(current, application, cluster)
    return first === null ? null : { until: null, reason: first }
  }

  function explainDependencies(
    current: Fleet,
    application: string,
    cluster: string,
  ): string | null {
    const spec = current.applications.get(application)?.spec
    const declared = current.clusters.get(cluster)
    if (!spec?.dependsOn || !declared) return null
    for (const { name } of dependenciesOn(current, spec, declared).dependsOn ?? []) {
      const newestFirst = plansOf(state, name).reverse()
      // What is to get objects of this one can only come after it, or with it.
      if (newestFirst[0]?.targets[cluster]?.from?.[application] !== undefined) continue
      const why = explainDependency(state, newestFirst, name, cluster)
      if (why !== null) return why
    }
    return null
  }
}
