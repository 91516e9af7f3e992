import { formatDuration } from '@groundswell/proto/duration.ts'
import type { RolloutPlan } from '../rollout.ts'

export interface ClockJumpsDeps {
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Milliseconds of a clock nobody sets. */
  readonly monotonic: () => number
  /** The clock was set ahead (or back, where it is less than 0) by so many milliseconds. */
  readonly onJump: (by: number) => void
}

/** By how much the hub's clock was set while rollouts counted by it. */
export interface ClockJumps {
  /**
   * Of rollouts that were moved by another hub, or before this one began: by so many milliseconds its clock is ahead of
   * the last that was seen of that one's, since the clocks differ or nobody watched meanwhile. Where it is behind, their
   * times are yet to come, and tell it by themselves. False where it is no matter.
   */
  inherit(plans: Iterable<RolloutPlan>, ahead: number): boolean
  /** Looks at the clock, whether any rollout asks or not. */
  notice(): void
  /** What time it is, and by how many milliseconds the clock was set that a rollout was not told of yet. */
  look(plan: RolloutPlan): { readonly now: number; readonly setBy: number }
  /** It was told of as much. */
  tell(plan: RolloutPlan, setBy: number): void
}

/** Goes by the clock alone. */
export function noJumps(clock: () => number): ClockJumps {
  return {
    inherit: () => false,
    notice: () => {},
    look: () => ({ now: clock(), setBy: 0 }),
    tell: () => {},
  }
}

/** What clocks are put right by now and then, and no soak is the shorter for. */
const leeway = 5_000

/**
 * Holds the clock against one that nobody sets, each time that somebody asks. A machine that was
 * suspended looks as if its clock had been set: nobody watched then, and so it does not count either.
 */
export function createClockJumps({ clock, monotonic, onJump }: ClockJumpsDeps): ClockJumps {
  const told = new WeakMap<RolloutPlan, number>()
  let ahead = clock() - monotonic()
  let all = 0

  function readClock(): number {
    const now = clock()
    const by = now - monotonic() - ahead
    ahead += by
    if (Math.abs(by) > leeway) {
      all += by
      onJump(by)
    }
    return now
  }

  return {
    inherit(plans, setAhead) {
      if (setAhead <= leeway) return false
      for (const plan of plans) told.set(plan, all - setAhead)
      return true
    },
    notice: () => void readClock(),
    look(plan) {
      const now = readClock()
      const known = told.get(plan) ?? all
      told.set(plan, known)
      return { now, setBy: all - known }
    },
    tell: (plan, setBy) => void told.set(plan, (told.get(plan) ?? all) + setBy),
  }
}

/** For people. */
export function tellJump(by: number): string {
  const length = formatDuration(Math.abs(by))
  const what =
    by > 0 ? `set ahead by ${length}, or no hub watched for as long` : `set back by ${length}`
  return `the hub's clock was ${what}; what is waited for goes on from where it was`
}

/** For people: why what is waited for counts on from where it was, where another hub moved it, or none did for a while. */
export function tellUnwatched(ahead: number, unwatched: number): string {
  if (ahead >= unwatched) {
    return "this machine's clock is ahead of that of the hub that led before; set both by NTP"
  }
  return `no hub watched for ${formatDuration(unwatched)}, or the clock was set ahead meanwhile; what is waited for goes on from where it was`
}
