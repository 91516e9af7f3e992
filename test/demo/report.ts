import { UnmetExpectation } from './expectation.ts'
import { say } from './progress.ts'

/** What came of one step. */
export type StepReport =
  | {
      readonly step: string
      readonly ok: true
      readonly ms: number
      /** What was looked at and found, as evidence. */
      readonly seen: Readonly<Record<string, unknown>>
    }
  | {
      readonly step: string
      readonly ok: false
      readonly ms: number
      readonly error: string
      readonly expected?: string
      readonly seen?: unknown
    }

/** The one JSON object that `--once` prints. */
export interface DemoReport {
  readonly ok: boolean
  readonly directory: string
  readonly ms: number
  readonly steps: readonly StepReport[]
}

/**
 * Runs one step and times it. What it throws is part of the report.
 *
 * @param stopping once aborted, a step fails because its world goes away, which is not worth saying
 */
export async function runStep(
  step: string,
  says: string,
  run: () => Promise<Readonly<Record<string, unknown>>>,
  stopping: AbortSignal,
): Promise<StepReport> {
  say(`${step}: ${says}`)
  const start = performance.now()
  const ms = () => Math.round(performance.now() - start)
  try {
    const seen = await run()
    say(`${step}: done in ${(ms() / 1_000).toFixed(1)} s`)
    return { step, ok: true, ms: ms(), seen }
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    if (!stopping.aborted) say(`${step}: FAILED: ${words}`)
    const facts =
      error instanceof UnmetExpectation ? { expected: error.expected, seen: error.seen } : {}
    return { step, ok: false, ms: ms(), error: words, ...facts }
  }
}
