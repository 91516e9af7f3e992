import type { GateAnswer } from '../gate/gate-state.ts'
import type { Measurement, RolloutEvent, RolloutPlan } from '../rollout.ts'

/**
 * Asks the outside what a gate wants to know. It may reject; what it throws is told, and the gate
 * goes on to wait. It has a deadline of its own.
 */
export type Measure = (
  plan: RolloutPlan,
  measurement: Measurement,
  signal: AbortSignal,
) => Promise<GateAnswer>

export interface MeasuringDeps {
  readonly measure: Measure
  /** Brings the answer to its rollout. */
  readonly deliver: (
    rollout: string,
    event: Extract<RolloutEvent, { kind: 'measured' }>,
  ) => Promise<void>
  /** Milliseconds of a clock nobody sets. */
  readonly monotonic: () => number
}

/** Questions on their way at once, of all rollouts; the others are asked for again soon. */
const mostAtOnce = 32
/** Characters of a reason that are kept; it goes into the ledger. */
const longestReason = 300

export interface Measuring {
  /** Asks what a rollout wants to know now, and forgets what it wants no more. */
  want(plan: RolloutPlan, measurements: readonly Measurement[]): void
  /** Gives up what is on its way. */
  close(): Promise<void>
}

/**
 * Carries the questions of gates. A question that is on its way is not asked again, and one that was
 * answered by "wait" not before its interval is over, however often it is wanted. After a restart
 * everything is asked anew: an answer that comes twice counts once.
 */
export function createMeasuring({ measure, deliver, monotonic }: MeasuringDeps): Measuring {
  const asked = new Map<string, Map<string, { at: number; running: boolean }>>()
  const running = new Set<Promise<void>>()
  const ending = new AbortController()

  async function ask(plan: RolloutPlan, measurement: Measurement): Promise<void> {
    const { gate, since, opening, round } = measurement
    const answer = await measure(plan, measurement, ending.signal).catch(
      (error: unknown): GateAnswer => ({
        kind: 'unanswered',
        message: error instanceof Error ? error.message : String(error),
      }),
    )
    if (ending.signal.aborted) return
    const short = 'message' in answer ? { ...answer, message: clean(answer.message) } : answer
    // What could not be delivered is asked again; the ledger has said why.
    const told = { gate, since, round, answer: short, ...(opening !== undefined && { opening }) }
    await deliver(plan.id, { kind: 'measured', ...told }).catch(() => {})
  }

  return {
    want(plan, measurements) {
      const wanted = new Set(measurements.map(keyOf))
      const mine = asked.get(plan.id) ?? new Map<string, { at: number; running: boolean }>()
      for (const [key, known] of mine) if (!wanted.has(key) && !known.running) mine.delete(key)
      if (mine.size === 0) asked.delete(plan.id)
      for (const measurement of measurements) {
        const key = keyOf(measurement)
        const known = mine.get(key)
        if (known?.running || (known && monotonic() < known.at + measurement.planned.interval))
          continue
        if (running.size >= mostAtOnce) return
        const question = { at: monotonic(), running: true }
        asked.set(plan.id, mine.set(key, question))
        const work = ask(plan, measurement).finally(() => {
          question.running = false
          running.delete(work)
        })
        running.add(work)
      }
    },
    async close() {
      ending.abort()
      await Promise.allSettled(running)
    },
  }
}

function keyOf({ gate, since, opening = 0, round }: Measurement): string {
  return `${gate} ${since} ${opening} ${round}`
}

/** What others say, in one line that nobody's terminal obeys. */
function clean(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()
  return line.length <= longestReason ? line : `${line.slice(0, longestReason - 1)}…`
}
