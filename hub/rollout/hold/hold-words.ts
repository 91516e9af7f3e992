import { parseRevision } from '@groundswell/proto/revision.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { RolloutPlan } from '../rollout.ts'

/** What is left to do after a rollout whose revision is held: one sentence, or none. */
export function explainHold(
  state: Pick<LedgerState, 'holds' | 'reverts'>,
  plan: Pick<RolloutPlan, 'id' | 'application' | 'revision' | 'fleetRevision'>,
): string[] {
  const hold = state.holds.get(plan.application)
  if (hold?.rollout !== plan.id) return []
  const url = findRevert(state, plan)
  const how = url === undefined ? 'revert it there' : `its revert is proposed: ${url}`
  return [`the revision is held until Git asks for another (${how}), or somebody releases it`]
}

/** Where the revert of what a plan brought is proposed. */
export function findRevert(
  { reverts }: Pick<LedgerState, 'reverts'>,
  { revision, fleetRevision }: Pick<RolloutPlan, 'revision' | 'fleetRevision'>,
): string | undefined {
  const commits = [revision, fleetRevision].flatMap((text) => {
    try {
      return text === undefined ? [] : [parseRevision(text).commit]
    } catch {
      return []
    }
  })
  return [...reverts].find(([key]) => commits.some((commit) => key.endsWith(` ${commit}`)))?.[1]
}
