/**
 * Milliseconds that a server asks to wait by its header `Retry-After`: seconds, or a date
 * (RFC 9110 §10.2.3).
 *
 * @param now milliseconds since the epoch
 */
export function readRetryAfter(
  value: string | string[] | undefined,
  now: number,
): number | undefined {
  if (typeof value !== 'string') return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1_000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : at - now
}
