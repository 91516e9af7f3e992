import type { Fleet } from '../fleet/fleet.ts'
import { isGroupMember } from '../fleet/group.ts'
import { matchesTarget } from '../fleet/matches-target.ts'
import { dependenciesOn } from '../fleet/resolve.ts'
import { projectOf } from '../fleet/tenancy.ts'
import { plansOf } from '../ledger/by-application.ts'
import type { LedgerState } from '../ledger/replay.ts'
import { explainDependency } from './dependency.ts'
import { appliesTo, createOpenings, judgeWindows, type Window, type Withheld } from './windows.ts'

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
  let known:
    | { readonly fleet: Fleet; readonly windows: Map<string, Map<string, readonly Window[]>> }
    | undefined

  return (application, cluster, now) => {
    const current = fleet()
    if (!current) return { until: null, reason: 'the fleet repository, which was not read yet' }
    if (known?.fleet !== current) known = { fleet: current, windows: new Map() }
    const ofApplication = known.windows.get(application) ?? new Map<string, readonly Window[]>()
    known.windows.set(application, ofApplication)
    let windows = ofApplication.get(cluster)
    if (!windows) {
      windows = findWindows(current, application, cluster)
      ofApplication.set(cluster, windows)
    }
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
      const why = explainDependency(state, newestFirst, name, cluster)
      if (why !== null) return why
    }
    return null
  }
}

/** All that concern an application on a cluster. */
export function findWindows(fleet: Fleet, application: string, cluster: string): Window[] {
  const declared = fleet.clusters.get(cluster)
  const spec = fleet.applications.get(application)?.spec
  const project = spec && projectOf(fleet, spec)
  const found: Window[] = []
  for (const window of (declared && project?.spec.windows) ?? []) {
    const { clusterSelector, clusterGroup, clusters } = window
    const everywhere = !clusterSelector && clusterGroup === undefined && !clusters
    if (everywhere || matchesTarget(fleet, window, declared!)) {
      found.push({ ...window, of: `Project ${project!.name}` })
    }
  }
  for (const group of fleet.groups.values()) {
    if (!group.spec.windows || !isGroupMember(fleet, group.name, cluster)) continue
    const of = `ClusterGroup ${group.name}`
    found.push(...group.spec.windows.map((window) => ({ ...window, of })))
  }
  const of = `Cluster ${cluster}`
  found.push(...(declared?.spec.windows ?? []).map((window) => ({ ...window, of })))
  return found.filter((window) => appliesTo(window, application))
}
