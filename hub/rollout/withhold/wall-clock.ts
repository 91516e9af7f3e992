/** A time on the wall: milliseconds as if the place had UTC. */
export type WallTime = number

/** When a time on the wall of a place comes. */
export interface Coming {
  /** One that the clock skips comes as much later as it skips. */
  readonly first: number
  /** The second time, where the clock is set back over it. */
  readonly second?: number
  /** No later time on the wall comes before. */
  readonly floor: number
}

const day = 24 * 3_600_000
/** By zone, as it is written; a fleet's were checked to be zones. */
const formats = new Map<string, Intl.DateTimeFormat>()

export function toWall(timeZone: string, at: number): WallTime {
  return at + offsetAt(timeZone, at)
}

/** Where a clock is changed at most once within a day before and after. */
export function fromWall(timeZone: string, wall: WallTime): Coming {
  const before = offsetAt(timeZone, wall - day)
  const after = offsetAt(timeZone, wall + day)
  const old = wall - before
  const changed = wall - after
  if (before === after) return { first: old, floor: old }
  const floor = Math.min(old, changed)
  const isOld = offsetAt(timeZone, old) === before
  const isChanged = offsetAt(timeZone, changed) === after
  if (isOld && isChanged) return { first: old, second: changed, floor }
  return { first: isChanged ? changed : old, floor }
}

/** Milliseconds that a place is ahead of UTC. */
function offsetAt(timeZone: string, at: number): number {
  if (timeZone === 'UTC') return 0
  let format = formats.get(timeZone)
  if (!format) {
    format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
    formats.set(timeZone, format)
  }
  const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign, hours = '0', minutes = '0'] = /^GMT([+-])(\d+):(\d+)/.exec(name) ?? []
  const length = (Number(hours) * 60 + Number(minutes)) * 60_000
  return sign === '-' ? -length : length
}
