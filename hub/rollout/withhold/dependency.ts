import type { Digest } from '@groundswell/proto/digest.ts'
import { shortRevision } from '@groundswell/proto/revision.ts'
import { plansOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import { finalPhases, type RolloutPlan } from '../rollout.ts'
import { isEndedByAbort } from '../decide/unproven.ts'

/** What Git asks of an application on a cluster: null for nothing, undefined where it cannot be told. */
export type Desired = (application: string, cluster: string) => Digest | null | undefined

/**
 * Why an application that others depend on does not run well on a cluster yet; null when it does. It
 * does when no rollout is still to bring it something there, and the last one that did had neither failed
 * nor been aborted or rolled back: what comes after it in Git may need what it was to bring.
 *
 * @param plans of that application, newest first
 * @param desired what Git asks of it there, null for nothing; undefined where it cannot be told
 */
export function explainDependency(
  state: Pick<LedgerState, 'runs' | 'assignments' | 'holds'>,
  plans: readonly RolloutPlan[],
  application: string,
  cluster: string,
  desired?: Digest | null,
): string | null {
  const wants = `application ${application}`
  const hold = state.holds.get(application)
  const assigned = state.assignments.get(cluster)?.get(application)
  // Newest first: what a later rollout says of the cluster counts.
  for (const plan of plans) {
    if (!plan.targets[cluster]) continue
    const run = state.runs.get(plan.id)
    const progress = run?.clusters[cluster]
    if (!run || !progress) continue
    // The hold lasts as long as Git asks for that content.
    const isAsked = desired === undefined || desired === plan.targets[cluster].digest
    const isEarlier = isAsked && hold?.earlier?.includes(plan.id) === true
    if (hold?.rollout === plan.id || isEarlier) {
      return `${wants}, of which rollout ${plan.id} was rolled back: Git still asks for its revision ${shortRevision(plan.revision)}`
    }
    const isUngiven = progress.state === 'Done' && progress.generation === 0
    // It never came there, and Git asks for it no more: what ran there before still does.
    if (isUngiven && !isAsked) continue
    if (progress.state === 'Done') {
      if (progress.outcome === 'Failed' || progress.outcome === 'TimedOut') {
        return `${wants}, which ${progress.outcome === 'Failed' ? 'failed' : 'timed out'} there in rollout ${plan.id}`
      }
      const { digest } = plan.targets[cluster]
      const isThere = assigned?.digest === digest
      if (isAsked && !isThere && digest !== null && isEndedByAbort(run, progress)) {
        return `${wants}, of which rollout ${plan.id} was aborted: Git still asks for its revision ${shortRevision(plan.revision)}; revert it, or \`swell rollout start ${application}\` brings it`
      }
      // Away, or passed over: what ran there before still does.
      break
    }
    if (progress.state === 'Reverted') break
    if (finalPhases.has(run.phase)) {
      // Its successor decides about the cluster, and is looked at by itself.
      continue
    }
    return `${wants}, which rollout ${plan.id} has still to bring there`
  }
  if (assigned && assigned.digest !== null) return null
  return `${wants}, which is not there yet`
}

/** Applications that have still on a cluster what another is to get of them there. */
export function listGivers(
  state: Pick<LedgerState, 'plans' | 'runs' | 'rolloutsOf' | 'assignments'>,
  application: string,
  cluster: string,
): string[] {
  const there = state.assignments.get(cluster)
  const plans = plansOf(state, application).filter(({ targets }) => targets[cluster])
  return plans
    .filter((plan) => plan === plans.at(-1) || !finalPhases.has(state.runs.get(plan.id)!.phase))
    .flatMap(({ targets }) => Object.entries(targets[cluster]!.from ?? {}))
    .filter(([name, digest]) => there?.get(name)?.digest === digest)
    .map(([name]) => name)
}
