import { parseDuration } from '@groundswell/proto/duration.ts'
import { CronExpressionParser } from 'cron-parser'

/** Whether a window is open now, and when to look again: no later than that changes. */
export interface Opening {
  readonly open: boolean
  /** Milliseconds; null when it never opens. */
  readonly until: number | null
  /** Openings followed on one another for longer than was looked: it may well stay open at `until`. */
  readonly isCut?: true
}

export interface ScheduledWindow {
  /** Five cron fields. */
  readonly schedule: string
  readonly duration: string
  readonly timeZone?: string
}

/**
 * Times are looked for from so long before they could matter, in milliseconds: an hour that a time
 * zone has twice is then always come to from its first time, and counts once.
 */
const runUp = 3 * 3_600_000
/** Openings that follow on one another and are looked at together; the rest is told about later. */
const mostTogether = 64

/**
 * Where a window stands at a time. It opens at each time its schedule names in its time zone, and
 * stays open for its duration, which is real time: a night that loses an hour to summer time closes
 * the window an hour later by the clock on the wall. What overlaps is one opening.
 */
export function findOpening(window: ScheduledWindow, now: number): Opening {
  const duration = parseDuration(window.duration)
  const times = listTimes(window, now - duration - runUp)
  let until: number | null = null
  let together = 0
  for (const at of times) {
    if (until === null && at > now) return { open: false, until: at }
    if (until !== null && at > until) break
    if (at + duration <= now) continue
    until = at + duration
    together += 1
    // Sooner than it closes, perhaps: then it is looked at again.
    if (together === mostTogether) {
      return { open: true, until: Math.max(until, now + 1), isCut: true }
    }
  }
  return { open: until !== null, until }
}

/** Where cron-parser finds no way on it is asked again from an hour later, so many times. */
const mostDetours = 3
const detour = 3_600_000

/**
 * Times that a schedule names, rising; none of one such as the 30th of February. Before a clock that goes
 * back by half an hour, as on Lord Howe Island, cron-parser does not get on, and behind it does.
 */
function* listTimes({ schedule, timeZone }: ScheduledWindow, from: number): Generator<number> {
  const begin = (at: number) =>
    CronExpressionParser.parse(schedule, { currentDate: new Date(at), tz: timeZone ?? 'UTC' })
  let times = begin(from)
  let last = from
  let detours = 0
  for (;;) {
    let at: number
    try {
      at = times.next().getTime()
    } catch {
      if ((detours += 1) > mostDetours) return
      times = begin(last + detours * detour)
      continue
    }
    if (at <= last) continue
    detours = 0
    last = at
    yield at
  }
}
