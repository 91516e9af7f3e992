export interface AllowanceOptions {
  /** Of one key at once. */
  readonly burst: number
  /** Milliseconds after which there is one more. */
  readonly refillMs: number
  /** Milliseconds of a clock nobody sets. */
  readonly monotonic: () => number
}

interface Spent {
  readonly count: number
  readonly at: number
}

/**
 * How often something may be done for each key: so many times at once, then again and again after a
 * while. Remembers the keys that have not got all of it back.
 */
export function createAllowance({ burst, refillMs, monotonic }: AllowanceOptions) {
  const spent = new Map<string, Spent>()
  const countOf = ({ count, at }: Spent, now: number) => Math.max(0, count - (now - at) / refillMs)

  /** Whether it may be done once more for a key; takes it when so. */
  return function take(key: string): boolean {
    const now = monotonic()
    for (const [oldest, one] of spent) {
      if (countOf(one, now) > 0) break
      spent.delete(oldest)
    }
    const before = spent.get(key)
    const count = before ? countOf(before, now) : 0
    if (count > burst - 1) return false
    // Moves to the end: what stands first was asked for longest ago.
    spent.delete(key)
    spent.set(key, { count: count + 1, at: now })
    return true
  }
}
