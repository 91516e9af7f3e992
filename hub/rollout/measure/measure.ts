import type { TimeBound } from '@groundswell/proto/cel.ts'
import type { Measure } from './measuring.ts'
import type { RolloutPlan } from '../rollout.ts'
import { type CelFacts, evaluateGate } from './cel.ts'
import { measureMetric } from './prometheus.ts'
import type { Ask } from './question.ts'
import { askWebhook } from './webhook.ts'

export interface MeasureDeps {
  readonly ask: Ask
  /** What is known now of these clusters, and of the fleet they are in. */
  readonly facts: (plan: RolloutPlan, clusters: readonly string[]) => CelFacts
  readonly within: TimeBound
  readonly clock: () => number
}

/** Asks whomever a gate is about. */
export function createMeasure({ ask, facts, within, clock }: MeasureDeps): Measure {
  return async (plan, measurement, signal) => {
    const { planned } = measurement
    switch (planned.kind) {
      case 'metric':
        return measureMetric(plan, { ...measurement, planned }, ask, signal)
      case 'webhook':
        return askWebhook(plan, { ...measurement, planned }, ask, clock(), signal)
      case 'cel': {
        const known = facts(plan, measurement.clusters)
        return evaluateGate(plan, { ...measurement, planned }, known, within)
      }
    }
  }
}
