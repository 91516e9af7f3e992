import type { ApplicationStanding, Standing } from './cluster-view.ts'
import type { Health } from './status.ts'

/** Clusters an application is on, by how it is there. */
export interface ApplicationSums {
  readonly standings: Readonly<Record<Standing, number>>
  readonly drifted: number
  readonly health: Readonly<Record<Health, number>>
}

interface Sums extends ApplicationSums {
  readonly standings: Record<Standing, number>
  drifted: number
  readonly health: Record<Health, number>
}

/** Sums that clusters are given to and taken from, so that no scrape counts the fleet anew. */
export function createApplicationSums() {
  const all = new Map<string, Sums>()

  function change(standings: readonly ApplicationStanding[], by: 1 | -1): void {
    for (const { application, standing, drifted, health } of standings) {
      let sums = all.get(application)
      if (!sums) all.set(application, (sums = nothing()))
      sums.standings[standing] += by
      sums.health[health] += by
      if (drifted) sums.drifted += by
      if (countClusters(sums) === 0) all.delete(application)
    }
  }

  return {
    all: all as ReadonlyMap<string, ApplicationSums>,
    give: (standings: readonly ApplicationStanding[]) => change(standings, 1),
    take: (standings: readonly ApplicationStanding[]) => change(standings, -1),
  }
}

export function countClusters({ standings }: ApplicationSums): number {
  const { updated, pending, failed, unreachable } = standings
  return updated + pending + failed + unreachable
}

/** Whether what runs is what was decided, over all clusters that can be reached. */
export function syncStatusOf(sums: ApplicationSums): 'Synced' | 'OutOfSync' | 'Unknown' {
  const { pending, failed, updated } = sums.standings
  if (pending + failed + sums.drifted > 0) return 'OutOfSync'
  return updated > 0 ? 'Synced' : 'Unknown'
}

/** Worst first. */
const worst: readonly Health[] = [
  ...(['Failed', 'NotFound', 'Terminating', 'InProgress', 'Unknown', 'Current'] as const),
]

/** The worst that any of its clusters says. */
export function healthStatusOf(sums: ApplicationSums): Health {
  return worst.find((health) => sums.health[health] > 0) ?? 'Unknown'
}

function nothing(): Sums {
  return {
    standings: { updated: 0, pending: 0, failed: 0, unreachable: 0 },
    drifted: 0,
    health: { Unknown: 0, InProgress: 0, Current: 0, Failed: 0, Terminating: 0, NotFound: 0 },
  }
}
