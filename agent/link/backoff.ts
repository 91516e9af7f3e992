/** Milliseconds to wait before dialling again; `random` in [0, 1). */
export interface BackoffInput {
  /** Dials in a row that failed; 0 right after a stream that worked. */
  readonly failures: number
  /** Window the hub asked reconnects to be spread over, in milliseconds. */
  readonly windowMs: number
  readonly random: number
}

const firstMs = 500
const capMs = 30_000

/** Full jitter: a thousand agents that lose one hub do not come back in step. */
export function backoffDelay({ failures, windowMs, random }: BackoffInput): number {
  const exponential = Math.min(capMs, firstMs * 2 ** Math.min(failures, 16))
  return Math.floor(random * Math.max(exponential, Math.min(windowMs, capMs)))
}
