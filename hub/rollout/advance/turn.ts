import type { LedgerState } from '../../ledger/replay.ts'
import { activeRollouts } from '../decide/admission.ts'
import { isPausedByPerson } from '../decide/by-person.ts'
import { goesOn } from '../decide/changes.ts'
import type { RolloutPlan } from '../rollout.ts'

/**
 * Whether a plan that its hub died over may begin by itself: nothing is before it in line or goes back, and nobody
 * has paused meanwhile what it would go on with.
 */
export function isItsTurn(state: LedgerState, plan: RolloutPlan): boolean {
  const begun = activeRollouts(state, plan.application)
    .filter((id) => id !== plan.id)
    .map((id) => ({ plan: state.plans.get(id)!, run: state.runs.get(id)! }))
    .filter(({ run }) => run.startedAt !== null)
  if (begun.length > 0 && plan.supersede === 'queue') return false
  if (begun.some(({ run }) => run.phase === 'RollingBack')) return false
  return !begun.some((other) => isPausedByPerson(other) && goesOn(other.plan, plan.targets))
}
