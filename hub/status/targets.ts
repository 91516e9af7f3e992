import type { Contents } from '../render/contents.ts'
import type { Assignment } from '../rollout/rollout.ts'
import { type Known, type Standing, standingOf } from './cluster-view.ts'

/** Clusters that an application is on or is to come to, by how it is there. */
export interface TargetCounts {
  /** All of them; `drifted` is none of its own but said of some. */
  readonly targets: number
  readonly counts: Readonly<Record<Standing | 'drifted', number>>
  /** Those that were given something else than Git asks for there, such as what came before an abort. */
  readonly behind: number
}

/**
 * Where each application is. Each cluster's share is counted anew when something about it changed, so
 * that a page of applications does not look at a fleet for each of them.
 */
export interface Targets {
  touch(cluster: string): void
  /** Which clusters there are has changed. */
  touchAll(): void
  /** Undefined for one that is nowhere and comes to nowhere. */
  of(application: string): TargetCounts | undefined
  /** Declared ones, and those that are still somewhere; by name. */
  names(): readonly string[]
}

/** An application on a cluster, as it was counted. */
interface Share {
  readonly application: string
  readonly standing: Standing
  readonly drifted: boolean
  readonly behind: boolean
}

type Sums = Record<Standing | 'drifted' | 'behind', number>

export function createTargets(known: () => Known, contents: () => Contents | null): Targets {
  const counted = new Map<string, readonly Share[]>()
  const touched = new Set<string>()
  const sums = new Map<string, Sums>()
  /** What Git asks for, as it was counted; nothing is counted before somebody asks. */
  let asked: Contents | null | undefined

  function change(shares: readonly Share[], by: 1 | -1): void {
    for (const { application, standing, drifted, behind } of shares) {
      const mine = sums.get(application) ?? nothing()
      mine[standing] += by
      if (drifted) mine.drifted += by
      if (behind) mine.behind += by
      if (countTargets(mine) === 0) sums.delete(application)
      else sums.set(application, mine)
    }
  }

  function count(now: Known, cluster: string): void {
    change(counted.get(cluster) ?? [], -1)
    const shares = listShares(now, asked ?? null, cluster)
    if (shares.length === 0) counted.delete(cluster)
    else counted.set(cluster, shares)
    change(shares, 1)
  }

  function settle(now: Known): void {
    const wanted = contents()
    if (wanted === asked) {
      for (const cluster of touched) count(now, cluster)
    } else {
      asked = wanted
      counted.clear()
      sums.clear()
      const clusters = new Set(now.state.assignments.keys())
      for (const mine of wanted?.applications.values() ?? []) {
        for (const cluster of mine.keys()) clusters.add(cluster)
      }
      for (const cluster of clusters) count(now, cluster)
    }
    touched.clear()
  }

  return {
    touch(cluster) {
      if (asked !== undefined) touched.add(cluster)
    },
    touchAll() {
      asked = undefined
      touched.clear()
    },
    of(application) {
      settle(known())
      const mine = sums.get(application)
      if (!mine) return undefined
      const { behind, ...counts } = mine
      return { targets: countTargets(mine), counts, behind }
    },
    names() {
      const now = known()
      settle(now)
      return [...new Set([...(now.fleet?.applications.keys() ?? []), ...sums.keys()])].sort()
    },
  }
}

/** What it is assigned, and what Git wants there that is not decided yet. */
function listShares(
  { fleet, state, status }: Known,
  contents: Contents | null,
  cluster: string,
): readonly Share[] {
  const assigned = state.assignments.get(cluster)
  const names = new Set<string>()
  for (const [name, { digest }] of assigned ?? []) if (digest !== null) names.add(name)
  for (const [name, clusters] of contents?.applications ?? []) {
    if (clusters.has(cluster)) names.add(name)
  }
  if (names.size === 0) return []
  const { applications, connection } = status(cluster)
  return [...names].map((application) => ({
    application,
    standing: standingOf(assigned?.get(application), applications[application], connection),
    drifted: (applications[application]?.driftedObjects ?? 0) > 0,
    behind: isBehind({ fleet, contents }, { application, cluster }, assigned?.get(application)),
  }))
}

/**
 * Whether a cluster was given something else than Git asks for there. What is left as it is, and of what nobody can tell
 * what Git asks, is not.
 */
function isBehind(
  { fleet, contents }: Pick<Known, 'fleet'> & { readonly contents: Contents | null },
  { application, cluster }: { readonly application: string; readonly cluster: string },
  assignment: Assignment | undefined,
): boolean {
  if (!contents || (fleet && !fleet.clusters.has(cluster))) return false
  const asked = contents.applications.get(application)
  const isUnknown = !asked && (fleet?.applications.has(application) ?? true)
  if (isUnknown || contents.skipped.get(application)?.has(cluster)) return false
  return (asked?.get(cluster)?.digest ?? null) !== (assignment?.digest ?? null)
}

function countTargets({ updated, pending, failed, unreachable }: Sums): number {
  return updated + pending + failed + unreachable
}

function nothing(): Sums {
  return { updated: 0, pending: 0, failed: 0, unreachable: 0, drifted: 0, behind: 0 }
}
