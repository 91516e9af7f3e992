import type { Clock } from '../cluster/clock.ts'

export interface CoalescerTimes {
  /** That work on a name has begun is told after so long, unless it has ended by then. */
  readonly beginMs: number
  readonly windowMs: number
  readonly longestMs: number
}

export interface Coalescer {
  /** Something of this name is another. */
  readonly changed: (name: string) => void
  /** Work on it begins: that alone is no news, and what changes with it may travel with its end. */
  readonly begun: (name: string) => void
  /** Work on it has ended, and how is what others wait for. */
  readonly ended: (name: string) => void
}

/** Handed over a short while ago. */
interface Rest {
  changed: boolean
  /** What was handed over said no more than that work goes on. */
  readonly early: boolean
}

/**
 * Gathers names that changed: one that was quiet is handed over at once, so that drift shows without
 * delay, with all that changed in the same turn. One that goes on changing follows after `windowMs`,
 * and ever less often, down to once in `longestMs`, whatever others do. Work that is over in a moment is
 * handed over once, at its end. A name waits in one place only, so the buffer is bounded by the number of
 * names.
 */
export function createCoalescer(
  flush: (names: ReadonlySet<string>) => void,
  { beginMs, windowMs, longestMs }: CoalescerTimes,
  clock: Clock,
  signal: AbortSignal,
): Coalescer {
  let due = new Map<string, { readonly ms: number; readonly early: boolean }>()
  const working = new Set<string>()
  const resting = new Map<string, Rest>()

  const sleep = (ms: number) => clock.sleep(ms, signal).catch(() => undefined)

  const rest = async (name: string, ms: number, early: boolean) => {
    const mine: Rest = { changed: false, early }
    resting.set(name, mine)
    await sleep(Math.min(ms, longestMs))
    if (resting.get(name) !== mine) return
    resting.delete(name)
    if (mine.changed) add(name, ms * 2)
  }

  const drain = () => {
    const names = due
    due = new Map()
    if (signal.aborted) return
    for (const [name, { ms, early }] of names) void rest(name, ms, early)
    flush(new Set(names.keys()))
  }

  const add = (name: string, ms: number, early = false) => {
    // The end of this turn, so that what changed together leaves together.
    if (due.size === 0) queueMicrotask(drain)
    due.set(name, { ms, early })
  }

  const work = async (name: string) => {
    working.add(name)
    await sleep(beginMs)
    if (working.delete(name)) add(name, windowMs, true)
  }

  function changed(name: string): void {
    if (signal.aborted || working.has(name)) return
    const now = resting.get(name)
    if (now) now.changed = true
    else if (!due.has(name)) add(name, windowMs)
  }

  return {
    changed,
    begun(name) {
      if (signal.aborted || working.has(name)) return
      if (resting.has(name) || due.has(name)) changed(name)
      else void work(name)
    },
    ended(name) {
      if (signal.aborted) return
      const isEarly = resting.get(name)?.early === true
      if (isEarly) resting.delete(name)
      if (working.delete(name) || isEarly) add(name, windowMs)
      else changed(name)
    },
  }
}
