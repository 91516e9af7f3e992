import { assignedTo } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { AuthorsRequest } from '../../render/authors.ts'
import type { RolloutPlan } from '../rollout.ts'

/** States of an application that clusters may be in before one rollout; more are not told apart. */
const mostStates = 50

/**
 * Who made what a plan brings, where one of its gates asks for somebody else: all who made a commit since what
 * its clusters have. Null where nobody can tell, which no such gate lets pass.
 */
export async function findPlanAuthors(
  state: LedgerState,
  plan: RolloutPlan,
  ask: (request: AuthorsRequest) => Promise<readonly string[]>,
): Promise<Pick<RolloutPlan, 'authors'>> {
  const { application, fleetRevision, revision } = plan
  if (fleetRevision === undefined || !asksForOthers(plan)) return {}
  const assigned = assignedTo(state, application)
  const since = new Map<string, AuthorsRequest['since'][number]>()
  for (const [cluster, { previous }] of Object.entries(plan.targets)) {
    if (!previous || since.size >= mostStates) continue
    const before = state.plans.get(assigned.get(cluster)?.rollout ?? '')?.fleetRevision
    since.set(`${previous.revision} ${before}`, {
      revision: previous.revision,
      fleetRevision: before,
    })
  }
  const request = { application, fleetRevision, revision, since: [...since.values()] }
  return { authors: await ask(request).catch(() => null) }
}

function asksForOthers({ waves }: RolloutPlan): boolean {
  return waves.some(({ before, after }) =>
    [...before, ...after].some((gate) => gate.kind === 'approval' && gate.notAuthor === true),
  )
}
