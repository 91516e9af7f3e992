import { readRetryAfter } from '../retry-after.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Longest wait between two tries, whatever the host asks for, in milliseconds. */
export const longestWait = 30_000

/** Whether an answer says: not now. GitHub says so by 403 when too much was asked. */
export function isLater(status: number, headers: Headers): boolean {
  if (status === 429 || status >= 500) return true
  return (
    status === 403 &&
    (headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0')
  )
}

/**
 * Milliseconds to wait after so many tries: what the host asks for, else longer each time.
 *
 * @param now milliseconds since the epoch
 */
export function waitBefore(tried: number, headers: Headers, now: number): number {
  const asked = readRetryAfter(headers['retry-after'], now) ?? readReset(headers, now)
  return Math.min(longestWait, Math.max(0, asked ?? 500 * 2 ** (tried - 1)))
}

/** Seconds since the epoch at which GitHub starts counting anew. */
function readReset(headers: Headers, now: number): number | undefined {
  const { 'x-ratelimit-remaining': left, 'x-ratelimit-reset': reset } = headers
  return left === '0' && typeof reset === 'string' && /^\d+$/.test(reset)
    ? Number(reset) * 1_000 - now
    : undefined
}
