/** Clusters that Git selects no more for an application, whose removal there is not final yet. */
export interface Leaving {
  /** Which of an application's clusters are unselected now; one that is selected again was never gone. */
  note(application: string, unselected: readonly string[]): void
  isLeaving(application: string, cluster: string): boolean
  /** When it is removed there, in milliseconds; that may be past, and nothing planned yet. */
  at(application: string, cluster: string): number | undefined
  list(): readonly LeavingCluster[]
}

export interface LeavingCluster {
  readonly application: string
  readonly cluster: string
  /** When it will be removed there, in milliseconds. */
  readonly at: number
}

export interface LeavingDeps {
  /** Milliseconds that a cluster has to be unselected before an application is removed there. */
  readonly grace: number
  readonly clock: () => number
  /** Milliseconds of a clock nobody sets: one that is set ahead must not delete anything. */
  readonly monotonic: () => number
  /** Calls back once after so many milliseconds. */
  readonly later: (ms: number, run: () => void) => void
  /** The first of them is final: it is to be decided again, which notes them again. */
  readonly decide: () => void
}

/** Looked at once a day meanwhile: a timer of more than 24 days would ring at once. */
const longestTimer = 24 * 3_600_000
/** A timer may ring a little before the clock says so. */
const leeway = 50

/**
 * A label that goes and comes back, or a pull request that is reverted at once, must not cost a cluster
 * what it runs. Kept in memory only: a hub that is started anew waits once more, which deletes later
 * and never sooner.
 */
export function createLeaving({ grace, clock, monotonic, later, decide }: LeavingDeps): Leaving {
  /** Application → cluster → since when, on the monotonic clock. */
  const since = new Map<string, Map<string, number>>()
  let isWaiting = false

  const leftOf = (begun: number): number => begun + grace - monotonic()

  function lookAgain(ms: number): void {
    if (isWaiting) return
    isWaiting = true
    later(Math.min(ms, longestTimer) + leeway, () => {
      isWaiting = false
      decide()
    })
  }

  return {
    note(application, unselected) {
      const before = since.get(application)
      const now = monotonic()
      const mine = new Map(unselected.map((cluster) => [cluster, before?.get(cluster) ?? now]))
      if (mine.size > 0) since.set(application, mine)
      else since.delete(application)
      const next = Math.min(...[...mine.values()].map(leftOf).filter(isAhead))
      if (Number.isFinite(next)) lookAgain(next)
    },
    isLeaving(application, cluster) {
      const begun = since.get(application)?.get(cluster)
      return begun !== undefined && isAhead(leftOf(begun))
    },
    at(application, cluster) {
      const begun = since.get(application)?.get(cluster)
      return begun === undefined || grace === 0 ? undefined : Math.round(clock() + leftOf(begun))
    },
    list() {
      return [...since].flatMap(([application, clusters]) =>
        [...clusters].flatMap(([cluster, begun]) => {
          const left = leftOf(begun)
          return isAhead(left) ? [{ application, cluster, at: Math.round(clock() + left) }] : []
        }),
      )
    },
  }
}

function isAhead(ms: number): boolean {
  return ms > 0
}
