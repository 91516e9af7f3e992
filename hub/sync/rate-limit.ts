export interface RateLimitOptions {
  /** Of all callers together, each second. */
  readonly perSecond: number
  /** Of one caller, each second. */
  readonly perCaller: number
}

/** Saved up for this long, so that a site that comes up at once is not turned away. Seconds. */
const burstSeconds = 2
/** Callers remembered; those that have all their tokens back are not worth remembering. */
const mostCallers = 10_000

interface Bucket {
  tokens: number
  at: number
}

/**
 * Token buckets: one for everybody and one for each caller. Nothing is stored of a caller that is
 * refused for the sum of all, so a flood from many addresses costs no memory.
 */
export function createRateLimit({ perSecond, perCaller }: RateLimitOptions) {
  const all: Bucket = { tokens: perSecond * burstSeconds, at: 0 }
  const callers = new Map<string, Bucket>()

  /** Whether one more may pass at `now`, in milliseconds; takes it when so. */
  return function take(caller: string, now: number): boolean {
    fill(all, perSecond, now)
    if (all.tokens < 1) return false
    const known = callers.get(caller)
    const mine = known ?? { tokens: perCaller * burstSeconds, at: now }
    fill(mine, perCaller, now)
    if (mine.tokens < 1) return false
    mine.tokens -= 1
    all.tokens -= 1
    // Moves to the end: what stands first was asked for longest ago.
    callers.delete(caller)
    callers.set(caller, mine)
    for (const [oldest, { at }] of callers) {
      const full = now - at > burstSeconds * 1000
      if (!full && callers.size <= mostCallers) break
      callers.delete(oldest)
    }
    return true
  }
}

function fill(bucket: Bucket, perSecond: number, now: number): void {
  // A clock that went back gives nothing and takes nothing.
  const passed = Math.max(0, now - bucket.at)
  bucket.tokens = Math.min(perSecond * burstSeconds, bucket.tokens + (passed / 1000) * perSecond)
  bucket.at = now
}
