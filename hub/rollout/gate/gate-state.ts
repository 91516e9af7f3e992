import type { GateSide } from './planned-gate.ts'

/** When a gate began to hold. Times are milliseconds by the hub's clock. */
interface Opening {
  readonly since: number
  /**
   * The step that had it hold: no two openings share one, though the clock may not have moved between
   * them. Missing from a ledger of before it was kept.
   */
  readonly opening?: number
}

/** Where a gate that is no approval stands. */
export type GateState =
  /** Nothing was counted yet: a soak that runs, or an answer that says wait, or none at all. */
  | (Opening & { readonly state: 'waiting'; readonly message: string })
  | (Opening & {
      readonly state: 'measuring'
      /** Answers counted so far; one to an earlier question is of the past. */
      readonly round: number
      /** Not asked again before. */
      readonly nextAt: number
      /** Good and bad values by what was measured: a cluster's name, or `*` for the wave. */
      readonly good: Readonly<Record<string, number>>
      readonly bad: Readonly<Record<string, number>>
      readonly message: string
    })
  | {
      readonly state: 'passed'
      readonly at: number
      readonly message: string
      /** A person opened it, whatever it asks for. */
      readonly promoted?: true
    }
  | { readonly state: 'failed'; readonly at: number; readonly message: string }

/** What the outside says to a question. */
export type GateAnswer =
  /** By what was measured; empty where there is no data. */
  | { readonly kind: 'values'; readonly values: Readonly<Record<string, readonly number[]>> }
  | {
      readonly kind: 'verdict'
      readonly verdict: 'pass' | 'fail' | 'wait'
      readonly message: string
    }
  /** It could not be asked: decides nothing, and is asked again. */
  | { readonly kind: 'unanswered'; readonly message: string }

/** Names a gate within its rollout: `0/after/2`. */
export function gateKey(wave: number, side: GateSide, index: number): string {
  return `${wave}/${side}/${index}`
}

/** What is measured of a wave as a whole. */
export const wholeWave = '*'

/** Questions answered so far. */
export function roundOf(state: GateState | undefined): number {
  return state?.state === 'measuring' ? state.round : 0
}
