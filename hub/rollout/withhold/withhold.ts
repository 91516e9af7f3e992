import type { Fleet } from '../../fleet/fleet.ts'
import { dependenciesOn } from '../../fleet/resolve/resolve.ts'
import { plansOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import { activeRollouts } from '../decide/admission.ts'
import { type Desired, explainDependency, listGivers } from './dependency.ts'
import { windowsOn } from './fleet-windows.ts'
import {
  type DependsOn,
  explainLeavingBefore,
  findGoing,
  listLeavingBefore,
} from '../removal/leaving-order.ts'
import { createOpenings, judgeWindows, type Withheld } from './windows.ts'

/** Why a cluster may be offered nothing new of an application now; null when it may. */
export type Withhold = (application: string, cluster: string, now: number) => Withheld | null

/**
 * Puts together what keeps new content back from a cluster whatever its rollout says: windows of the
 * application's Project, of the cluster and of its groups, and applications that come, or go, first. They are
 * read from the fleet as it is now, not from the plan: a freeze that is committed holds at once. Before
 * the fleet was read nothing new begins, since nobody knows what is frozen.
 *
 * @param dependsOn of applications that left Git as well
 */
export function createWithhold(
  fleet: () => Fleet | null,
  state: LedgerState,
  dependsOn: DependsOn,
  desired: Desired = () => undefined,
): Withhold {
  const openings = createOpenings()
  let known: { readonly of: readonly unknown[]; readonly names: Map<string, readonly string[]> } = {
    ...{ of: [], names: new Map() },
  }
  return (application, cluster, now) => {
    const current = fleet()
    if (!current) return { until: null, reason: 'the fleet repository, which was not read yet' }
    const windows = windowsOn(current, state, application, cluster)
    if (windows.length > 0) {
      const closed = judgeWindows(windows, openings, now)
      if (closed) return closed
    }
    const first =
      explainDependencies(current, application, cluster) ??
      explainLeavingBefore(state, listGoingBefore(current, application, cluster), cluster)
    return first === null ? null : { until: null, reason: first }
  }

  /** Who goes from a cluster before an application that goes there too: left Git, or is placed there no more. */
  function listGoingBefore(
    current: Fleet,
    application: string,
    cluster: string,
  ): readonly string[] {
    const names = leavingBefore(current, application)
    const { applications } = current
    if (names.length === 0 || !applications.has(application)) return names
    if (!isRemoval(application, cluster)) return []
    // A hub that has begun anew has rendered nothing yet; later, who cannot be rendered goes if that is planned.
    const isUnread = desired(application, cluster) === undefined
    return names.filter((name) => {
      const asked = applications.has(name) ? desired(name, cluster) : null
      if (asked !== undefined) return asked === null
      return isUnread || findGoing(state, name, cluster) !== undefined
    })
  }

  /** Asked for each cluster, and the same for all of them. */
  function leavingBefore({ applications }: Fleet, application: string): readonly string[] {
    const of = [applications, state.head, state.plans.size]
    if (!of.every((part, at) => part === known.of[at])) known = { of, names: new Map() }
    const names =
      known.names.get(application) ?? listLeavingBefore(state, dependsOn, applications, application)
    known.names.set(application, names)
    return names
  }

  function explainDependencies(
    current: Fleet,
    application: string,
    cluster: string,
  ): string | null {
    const spec = current.applications.get(application)?.spec
    const declared = current.clusters.get(cluster)
    if (!spec?.dependsOn || !declared || isRemoval(application, cluster)) return null
    for (const { name } of dependenciesOn(current, spec, declared).dependsOn ?? []) {
      const plans = plansOf(state, name).reverse()
      const why = explainDependency(state, plans, name, cluster, desired(name, cluster))
      if (why === null || isBehind(current, name, application, cluster)) continue
      return why
    }
    return null
  }

  /** Whether nothing else is to come to a cluster than that it is removed there. */
  function isRemoval(application: string, cluster: string): boolean {
    const coming = activeRollouts(state, application).filter(
      (id) => state.runs.get(id)!.clusters[cluster]?.state === 'Pending',
    )
    return (
      coming.length > 0 &&
      coming.every((id) => state.plans.get(id)!.targets[cluster]?.digest === null)
    )
  }

  /** Whether one can only come to a cluster after another, or with it: it waits for that, or for who does. */
  function isBehind(
    current: Fleet,
    one: string,
    other: string,
    cluster: string,
    seen = new Set<string>(),
  ): boolean {
    if (seen.has(one)) return false
    seen.add(one)
    const givers = listGivers(state, one, cluster)
    if (givers.includes(other)) return true
    const spec = current.applications.get(one)?.spec
    const declared = current.clusters.get(cluster)
    const isComing = activeRollouts(state, one).some(
      (id) => state.runs.get(id)!.clusters[cluster]?.state === 'Pending',
    )
    const firsts =
      isComing && spec && declared ? (dependenciesOn(current, spec, declared).dependsOn ?? []) : []
    return [...givers, ...firsts.map(({ name }) => name)].some((next) =>
      isBehind(current, next, other, cluster, seen),
    )
  }
}
