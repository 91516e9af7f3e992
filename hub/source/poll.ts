/** What decides when to fetch next. Times in milliseconds. */
export interface PollInput {
  readonly interval: number
  /** Failed fetches since the last good one. */
  readonly failures: number
  /** From 0 to 1, drawn by the caller: keeps many repositories from asking at the same moment. */
  readonly jitter: number
}

const firstRetry = 1_000
/** A timer of more than 24 days rings at once. */
const longest = 24 * 24 * 3_600_000

/**
 * Milliseconds from the end of a fetch to the next one: the interval ± 10 %; after failures 1 s,
 * 2 s, 4 s … with full jitter on the upper half, never longer than the interval.
 * At most 24 days.
 */
export function nextPollDelay({ interval, failures, jitter }: PollInput): number {
  if (failures === 0) return Math.min(longest, Math.round(interval * (0.9 + 0.2 * jitter)))
  const backOff = Math.min(interval, firstRetry * 2 ** Math.min(failures - 1, 20))
  return Math.round(backOff * (0.5 + 0.5 * jitter))
}

/** Milliseconds between two fetches that hints ask for. */
export const hintSpacing = 200

/**
 * Milliseconds to wait when a hint comes: none for the first (leading edge), and for those that
 * follow closely what is left of the spacing, so a burst makes two fetches at most.
 */
export function hintDelay(now: number, lastFetchStarted: number | null): number {
  return lastFetchStarted === null ? 0 : Math.max(0, lastFetchStarted + hintSpacing - now)
}
