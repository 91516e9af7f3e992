import { HubError } from '../errors.ts'
import { currentGate } from '../rollout/gate/gate.ts'
import type { GatePlace } from '../rollout/gate/planned-gate.ts'
import type { ApproveAction, RolloutPlan, RolloutRun } from '../rollout/rollout.ts'
import type { Rights } from './rights.ts'

/**
 * An approval of the gate that a rollout waits at, with the roles its giver has of those it asks for. It opens no
 * other: whoever asks for it has not seen what comes up before its turn, and may not have the roles for that.
 *
 * @param at the gate its giver has seen, where they say so
 * @throws HubError `forbidden` of one who has no role that this gate asks for
 */
export function toApproval(
  { plan, run }: { readonly plan: RolloutPlan; readonly run: RolloutRun },
  { principal, holds }: Pick<Rights, 'principal' | 'holds'>,
  at?: GatePlace,
): ApproveAction {
  const gate = currentGate(plan, run)
  // Of no role, so that it opens nothing.
  if (!gate) return { kind: 'approve', roles: [], ...(at && { at }) }
  const roles = [...new Set(gate.slots)].filter((role) => holds(role, plan.application))
  const { names, madeBy } = principal
  if (roles.length === 0) {
    const asked = [...new Set(gate.roles)].join(' and ')
    const what = `this gate asks for the role ${asked}; you are ${principal.role ?? 'of no role'}`
    throw new HubError('forbidden', what)
  }
  return {
    ...{ kind: 'approve', roles, at: at ?? { wave: gate.wave, gate: gate.gate } },
    ...(names && { names }),
    ...(madeBy !== undefined && { madeBy }),
  }
}
