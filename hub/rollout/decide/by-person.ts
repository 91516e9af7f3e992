import { isStopped } from '../step/action.ts'
import { findStop } from '../step/failure.ts'
import type { PastRollout } from './changes.ts'

/* What goes on by a person's word only. */

/** Whether Git had it planned, and nothing but a person's word begins it. */
export function awaitsPerson({ plan, run }: Pick<PastRollout, 'plan' | 'run'>): boolean {
  const { starts, behind, leftOut, trigger } = plan
  if (run.phase !== 'Planned' || starts === true || trigger.kind === 'api') return false
  return behind === undefined && leftOut === undefined
}

/**
 * Paused, and by no failure: those are tried again, while what a person meant nobody knows. What fails after a
 * person's word takes nothing back of it.
 */
export function isPausedByPerson({ plan, run }: PastRollout): boolean {
  if (run.phase !== 'Paused') return false
  if (isStopped(run)) return true
  const isGateFailed = Object.values(run.gates).some(({ state }) => state === 'failed')
  const isSpent = findStop(plan, run.clusters) !== null
  return !isGateFailed && !isSpent
}
