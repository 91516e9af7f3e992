import type { AgentErrorCode } from '../errors.ts'
import { backoffDelay, doubledDelay } from './backoff.ts'

/**
 * A stream that lived so many times the longest wait before it, or so long, has proved good, if nothing of it was
 * refused: a hub that starts anew each minute is found again each time, and one that hangs up at once is dialled
 * ever less often.
 */
const provedTimes = 4
const provedAfterMs = 30_000

/**
 * What no honest hub does over a sound link. A stream that did it counts as a failure, whatever
 * else it brought: else a hostile hub is dialled twice a second for as long as it likes.
 */
const breaches: ReadonlySet<AgentErrorCode> = new Set([
  ...(['too_much_data', 'slow_retrieval', 'size_mismatch', 'digest_mismatch'] as const),
  ...(['envelope_too_large', 'envelope_malformed', 'envelope_header'] as const),
  ...(['signature_invalid', 'threshold_not_met', 'statement_malformed'] as const),
  ...(['wrong_fleet', 'wrong_audience', 'wrong_cluster', 'equivocation'] as const),
  ...(['rollback', 'fast_forward', 'root_malformed', 'root_rollback'] as const),
  ...(['root_gap', 'root_chain_too_long', 'approval_invalid', 'freshness_invalid'] as const),
  ...(['manifest_malformed', 'object_malformed'] as const),
])

export interface RedialDeps {
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number
  /** In [0, 1). */
  readonly random: () => number
}

/**
 * When to dial again: by how the streams before went, and by what the hub asked for.
 *
 * A hub that cannot be reached has refused nothing: it is dialled within the window it asked for when
 * it was last there, which grows with its absence. So all come back soon after a restart, as spread
 * as that hub can bear, and a long outage is not dialled at each second.
 */
export function createRedial({ monotonic, random }: RedialDeps) {
  let failures = 0
  let windowMs = 0
  let welcomedAt: number | undefined
  let proved = false
  let broken = false
  /** A hub was there, and said something. */
  let answered = false
  /** Since then no hub could be reached. */
  let awaySince: number | undefined

  return {
    /** A stream is being opened. */
    dialled(): void {
      ;[welcomedAt, proved, broken, answered] = [undefined, false, false, false]
      awaySince ??= monotonic()
    },
    /** The hub spoke; it spreads those that come back over `seconds`. */
    welcomed(seconds: number): void {
      windowMs = seconds * 1000
      welcomedAt = monotonic()
      answered = true
    },
    /** The hub ends the stream by itself; its last word on `seconds` counts. */
    dismissed(seconds: number): void {
      windowMs = seconds * 1000
    },
    /** What came over the stream was verified. */
    proved(): void {
      proved = true
    },
    /** What came over the stream was refused, or the stream ended, for this. */
    failed(code: AgentErrorCode): void {
      broken ||= breaches.has(code)
      answered ||= code !== 'hub_unreachable'
    },
    /** The stream has ended: milliseconds to wait before the next. */
    delay(): number {
      const now = monotonic()
      if (answered) {
        awaySince = now
        const enough = Math.min(provedAfterMs, provedTimes * doubledDelay(failures))
        const lasted = welcomedAt !== undefined && now - welcomedAt >= enough
        failures = !broken && (proved || lasted) ? 0 : failures + 1
      }
      const awayMs = now - (awaySince ?? now)
      return backoffDelay({ failures, windowMs, awayMs, random: random() })
    },
  }
}
