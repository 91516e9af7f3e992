import type { Clock } from '../cluster/clock.ts'

/**
 * Gathers names that changed and hands them over together: the first at once, so that drift shows
 * without delay, then after `windowMs`, and ever less often while changes go on, down to one in
 * `longestMs`. A name waits in one place only, so the buffer is bounded by the number of names.
 */
export function createCoalescer(
  flush: (names: ReadonlySet<string>) => void,
  { windowMs, longestMs }: { readonly windowMs: number; readonly longestMs: number },
  clock: Clock,
  signal: AbortSignal,
) {
  let waiting = new Set<string>()
  let open = false
  const drain = async () => {
    for (let wait = windowMs; waiting.size > 0 && !signal.aborted; wait *= 2) {
      const names = waiting
      waiting = new Set()
      flush(names)
      await clock.sleep(Math.min(wait, longestMs), signal).catch(() => undefined)
    }
    open = false
  }
  return (name: string) => {
    if (signal.aborted) return
    waiting.add(name)
    if (open) return
    open = true
    // The end of this turn, so that what changed together leaves together.
    queueMicrotask(() => void drain())
  }
}
