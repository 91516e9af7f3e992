import { parseDuration } from '@groundswell/proto/duration.ts'
import { type CronExpression, CronExpressionParser } from 'cron-parser'
import { fromWall, toWall, type WallTime } from './wall-clock.ts'

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

/**
 * Times that a schedule names, rising; none of one such as the 30th of February. They are looked for on the
 * wall, where no clock is ever changed: across a change cron-parser leaves out times, and may find no way on.
 * A time that the wall has twice counts once, unless the schedule names every hour.
 */
function* listTimes(
  { schedule, timeZone = 'UTC' }: ScheduledWindow,
  from: number,
): Generator<number> {
  const currentDate = new Date(toWall(timeZone, from))
  const walls = CronExpressionParser.parse(schedule, { currentDate, tz: 'UTC' })
  const isHourly = schedule.trim().split(/\s+/)[1] === '*'
  let waiting: number[] = []
  let last = from
  for (let wall = nextOf(walls); ; wall = nextOf(walls)) {
    const { first, second, floor } =
      wall === undefined ? { floor: Infinity } : fromWall(timeZone, wall)
    if (first !== undefined) waiting.push(first)
    if (second !== undefined && isHourly) waiting.push(second)
    for (const at of waiting.toSorted((a, b) => a - b)) {
      if (at > floor) break
      if (at > last) yield at
      last = Math.max(last, at)
    }
    if (wall === undefined) return
    waiting = waiting.filter((at) => at > floor)
  }
}

function nextOf(walls: CronExpression): WallTime | undefined {
  try {
    return walls.next().getTime()
  } catch {
    return undefined
  }
}
