import type { Calibration } from './calibrate.ts'
import type { Machine } from './machine.ts'

/** One measured quantity over the runs; the median is what is quoted. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export type Figures = Readonly<Record<string, number | null>>

/** What a benchmark prints as its last line. `fidelity`: A is real agents on a real API server, B on an in-memory one, C without one. */
export interface BenchResult {
  readonly name: string
  readonly fidelity: 'A' | 'B' | 'C'
  readonly params: Readonly<Record<string, number | string | boolean>>
  readonly machine: Machine
  readonly calibration: Calibration
  /** One object of figures a measured run; warm-up runs are left out. */
  readonly runs: readonly Figures[]
  /** Medians over the runs. */
  readonly metrics: Figures
  readonly spread: Readonly<Record<string, Spread>>
}

/** Median, smallest and largest of every figure; one that was null in any run is left out. */
export function spreadOf(runs: readonly Figures[]): Record<string, Spread> {
  const names = Object.keys(runs[0] ?? {})
  return Object.fromEntries(
    names.flatMap((name) => {
      const values = runs.map((run) => run[name] ?? null)
      if (values.some((value) => value === null)) return []
      const sorted = (values as number[]).sort((a, b) => a - b)
      const spread = { median: quantile(sorted, 0.5), min: sorted[0]!, max: sorted.at(-1)! }
      return [[name, spread]]
    }),
  )
}

/** Medians by name; null where a figure could not be had. */
export function mediansOf(runs: readonly Figures[]): Figures {
  const spread = spreadOf(runs)
  return Object.fromEntries(
    Object.keys(runs[0] ?? {}).map((name) => [name, spread[name]?.median ?? null]),
  )
}

/** The nearest-rank quantile of rising values, `share` from 0 to 1; NaN of nothing. */
export function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return Number.NaN
  const rank = Math.ceil(share * sorted.length) - 1
  return sorted[Math.max(0, Math.min(sorted.length - 1, rank))]!
}

/** One line of figures, for progress. */
export function describeFigures(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}
