import type { RolloutWave } from '../../fleet/kinds/rollout-strategy.ts'
import { matchesSelector } from '../../fleet/resolve/selector.ts'
import { resolveCount } from './strategy.ts'

/** What a wave's pickers look at of a cluster. */
export interface PlanCluster {
  readonly labels: Readonly<Record<string, string>>
  /** Names of the groups it belongs to. */
  readonly groups: readonly string[]
}

/** What the waves made of the clusters; every cluster is in `waves`, `unmatched` or `ambiguous`. */
export interface Picked {
  /** One list for each wave given, in the order its clusters go. */
  readonly waves: readonly (readonly string[])[]
  readonly unmatched: readonly string[]
  /** Clusters more than one wave picks, with the names of those waves. */
  readonly ambiguous: ReadonlyMap<string, readonly string[]>
}

/**
 * Deals clusters out to waves. Waves without `count` claim exactly what their pickers match, so
 * two such waves that match one cluster are ambiguous. A wave with `count` takes that many of
 * its matches which no earlier wave took; later waves go without them. A percentage is of all
 * its matches and rounds up, so that 1% of few is still a canary.
 */
export function pickWaves(
  waves: readonly RolloutWave[],
  clusters: Readonly<Record<string, PlanCluster>>,
): Picked {
  const names = Object.keys(clusters)
  const takenBy = new Map<string, string[]>()
  const counted = new Set<string>()
  const picked = waves.map((wave) => {
    const all = order(
      wave,
      names.filter((name) => isPicked(wave, name, clusters[name]!)),
      clusters,
    )
    const mine =
      wave.count === undefined
        ? all.filter((name) => !counted.has(name))
        : all
            .filter((name) => !takenBy.has(name))
            .slice(0, resolveCount(wave.count, all.length, 'up'))
    for (const name of mine) {
      takenBy.set(name, [...(takenBy.get(name) ?? []), wave.name])
      if (wave.count !== undefined) counted.add(name)
    }
    return mine
  })
  return {
    waves: picked,
    unmatched: names.filter((name) => !takenBy.has(name)).sort(),
    ambiguous: new Map([...takenBy].filter(([, by]) => by.length > 1)),
  }
}

/** Whether a wave says which clusters it wants at all. */
export function hasPicker(wave: RolloutWave): boolean {
  return [wave.selector, wave.clusterGroup, wave.clusters, wave.count].some(
    (picker) => picker !== undefined,
  )
}

function isPicked(wave: RolloutWave, name: string, cluster: PlanCluster): boolean {
  if (wave.clusters !== undefined && !wave.clusters.includes(name)) return false
  if (wave.clusterGroup !== undefined && !cluster.groups.includes(wave.clusterGroup)) return false
  return wave.selector === undefined || matchesSelector(wave.selector, cluster.labels)
}

/** By the value of `sortBy`, else as listed in `clusters`, else by name. */
function order(
  wave: RolloutWave,
  names: readonly string[],
  clusters: Readonly<Record<string, PlanCluster>>,
): string[] {
  const { sortBy } = wave
  const rank = (name: string) =>
    sortBy === undefined
      ? String(wave.clusters?.indexOf(name) ?? 0)
      : clusters[name]!.labels[sortBy]
  return [...names].sort((a, b) => compareRanks(rank(a), rank(b)) || (a < b ? -1 : 1))
}

/** Whole numbers first, by value; then other text, by code unit; clusters without the label last. */
function compareRanks(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0
  if (a === undefined) return 1
  if (b === undefined) return -1
  const [isCountA, isCountB] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  // Text between two numbers, by code unit, would have no order that holds for all three.
  if (isCountA !== isCountB) return isCountA ? -1 : 1
  if (isCountA) return Number(a) - Number(b)
  return a < b ? -1 : 1
}
