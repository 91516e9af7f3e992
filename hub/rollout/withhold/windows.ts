import { matchesAnyGlob } from '@groundswell/proto/glob.ts'
import { type Opening, findOpening, type ScheduledWindow } from './opening.ts'

/** A window as it concerns one application on one cluster, and who it is of. */
export interface Window extends ScheduledWindow {
  readonly kind: 'allow' | 'deny'
  /** Globs; all applications when left out. */
  readonly applications?: readonly string[]
  readonly reason?: string
  /** `Project shop`, `Cluster edge-1`. */
  readonly of: string
}

/** Why nothing new may begin, and when to ask again; null when it may. */
export interface Withheld {
  readonly until: number | null
  readonly reason: string
}

/** Where each window stands is kept until it may change: a fleet of clusters asks for the same few. */
export interface Openings {
  of(window: Window, now: number): Opening
}

export function createOpenings(): Openings {
  const known = new WeakMap<Window, { from: number; opening: Opening }>()
  return {
    of(window, now) {
      const held = known.get(window)
      const fresh = held && now >= held.from && now < (held.opening.until ?? Infinity)
      if (fresh) return held.opening
      const opening = findOpening(window, now)
      known.set(window, { from: now, opening })
      return opening
    },
  }
}

export function appliesTo({ applications }: Window, application: string): boolean {
  return applications === undefined || matchesAnyGlob(applications, application)
}

/**
 * Judges all windows that concern an application on a cluster. One that denies and is open keeps
 * everything back; where there are any that allow, one of each owner's has to be open. Of several
 * reasons the one that lasts longest is told.
 */
export function judgeWindows(
  windows: readonly Window[],
  openings: Openings,
  now: number,
): Withheld | null {
  let until: number | null = null
  let reason: string | undefined
  let longest = -Infinity
  const give = (words: string, end: number | null): void => {
    const lasts = end ?? Infinity
    if (lasts <= longest) return
    longest = lasts
    reason = words
  }
  for (const window of windows) {
    if (window.kind !== 'deny') continue
    const opening = openings.of(window, now)
    if (!opening.open) continue
    if (until === null || (opening.until ?? 0) > until) until = opening.until
    const what = opening.isCut ? 'which is not over' : 'which ends'
    give(`the end of the freeze of ${describe(window, opening.until, what)}`, opening.until)
  }
  const owners = Map.groupBy(
    windows.filter(({ kind }) => kind === 'allow'),
    ({ of }) => of,
  )
  for (const mine of owners.values()) {
    const standing = mine.map((window) => ({ window, opening: openings.of(window, now) }))
    if (standing.some(({ opening }) => opening.open)) continue
    const [next] = standing.toSorted(
      (a, b) => (a.opening.until ?? Infinity) - (b.opening.until ?? Infinity),
    )
    const opens = next!.opening.until
    if (opens !== null && (until === null || opens > until)) until = opens
    give(`the window of ${describe(next!.window, opens, 'which opens')}`, opens)
  }
  return reason === undefined ? null : { until, reason }
}

function describe({ of, reason }: Window, at: number | null, what: string): string {
  const when = at === null ? 'which never opens' : `${what} at ${new Date(at).toISOString()}`
  return `${of}, ${when}${reason === undefined ? '' : ` (${reason})`}`
}
