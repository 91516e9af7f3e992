import type { Clock } from '../cluster/clock.ts'

export interface CoalescerTimes {
  readonly windowMs: number
  readonly longestMs: number
}

/**
 * Gathers names that changed: one that was quiet is handed over at once, so that drift shows without
 * delay, with all that changed in the same turn. One that goes on changing follows after `windowMs`,
 * and ever less often, down to once in `longestMs`, whatever others do. A name waits in one place
 * only, so the buffer is bounded by the number of names.
 */
export function createCoalescer(
  flush: (names: ReadonlySet<string>) => void,
  { windowMs, longestMs }: CoalescerTimes,
  clock: Clock,
  signal: AbortSignal,
) {
  let due = new Map<string, number>()
  /** Handed over a short while ago; true when they have changed since. */
  const resting = new Map<string, boolean>()

  const rest = async (name: string, ms: number) => {
    resting.set(name, false)
    await clock.sleep(Math.min(ms, longestMs), signal).catch(() => undefined)
    const changed = resting.get(name)
    resting.delete(name)
    if (changed) add(name, ms * 2)
  }

  const drain = () => {
    const names = due
    due = new Map()
    if (signal.aborted) return
    for (const [name, ms] of names) void rest(name, ms)
    flush(new Set(names.keys()))
  }

  const add = (name: string, ms: number) => {
    // The end of this turn, so that what changed together leaves together.
    if (due.size === 0) queueMicrotask(drain)
    due.set(name, ms)
  }

  return (name: string) => {
    if (signal.aborted) return
    if (resting.has(name)) resting.set(name, true)
    else if (!due.has(name)) add(name, windowMs)
  }
}
