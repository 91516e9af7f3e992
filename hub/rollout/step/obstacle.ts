import { findStop } from './failure.ts'
import type { RolloutPlan, RolloutRun } from '../rollout.ts'

/** What keeps a paused rollout from being resumed as it is, and what a person can do instead, in words. */
export interface Obstacle {
  readonly message: string
  readonly advice: string
}

/** A spent budget is not resumed over silently, nor is a gate that failed. */
export function findObstacle(
  plan: RolloutPlan,
  { clusters, gates }: Pick<RolloutRun, 'clusters' | 'gates'>,
): Obstacle | null {
  const breach = findStop(plan, clusters)
  if (breach) {
    return { ...breach, advice: 'retry the failed clusters, skip them and resume, or roll back' }
  }
  if (failedGates({ gates }).length === 0) return null
  return {
    message: 'a gate has failed',
    advice: 'retry to measure it again, promote to open it, or roll back',
  }
}

/** Keys of gates that failed. */
export function failedGates({ gates }: Pick<RolloutRun, 'gates'>): string[] {
  return Object.keys(gates).filter((key) => gates[key]!.state === 'failed')
}
