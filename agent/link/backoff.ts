/** Milliseconds to wait before dialling again; `random` in [0, 1). */
export interface BackoffInput {
  /** Streams in a row that came to nothing; 0 right after one that worked. */
  readonly failures: number
  /** Window the hub asked reconnects to be spread over, in milliseconds. */
  readonly windowMs: number
  /** For how long no hub could be reached, in milliseconds; 0 when that is not why we wait. */
  readonly awayMs?: number
  readonly random: number
}

const firstMs = 500
const capMs = 30_000
/** Of the time a hub has been away: after a short absence it is found again soon, whatever it was asked before. */
const shareOfAbsence = 0.5

/** Longest wait in milliseconds after so many failures, if nothing else asks for a longer one. */
export function doubledDelay(failures: number): number {
  return firstMs * 2 ** Math.min(failures, 16)
}

/** Full jitter: a thousand agents that lose one hub do not come back in step. */
export function backoffDelay({ failures, windowMs, awayMs = 0, random }: BackoffInput): number {
  const longest = Math.max(doubledDelay(failures), windowMs, awayMs * shareOfAbsence)
  return Math.floor(random * Math.min(capMs, longest))
}
