import type { Digest } from '@groundswell/proto/digest.ts'
import { plansOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import { gives } from '../advance/listed.ts'
import { mayMove } from '../step/outcome.ts'
import { finalPhases, type RolloutPlan, type RolloutRun } from '../rollout.ts'

/* What is under way or is to come that lets an application let go of objects on a cluster. */

export interface ComingDeps {
  readonly state: Pick<LedgerState, 'plans' | 'runs' | 'rolloutsOf' | 'assignments' | 'holds'>
  /** Whether a cluster may be offered something new of an application now, whatever its rollout says. */
  readonly isFree: (application: string, cluster: string) => boolean
  /** What Git asks of an application on a cluster: null for nothing, undefined where it cannot be told. */
  readonly desired: (application: string, cluster: string) => Digest | null | undefined
  /** When an application is removed from a cluster that Git selects no more, if that is waited for; milliseconds. */
  readonly leavesAt: (application: string, cluster: string) => number | undefined
}

/** A rollout that is under way, or waits for its turn. */
export interface Coming {
  readonly plan: RolloutPlan
  readonly run: RolloutRun
}

export type WhatComes = ReturnType<typeof createWhatComes>

export function createWhatComes(deps: ComingDeps) {
  const { state, isFree } = deps

  const activeOf = (application: string): Coming[] =>
    plansOf(state, application)
      .map((plan) => ({ plan, run: state.runs.get(plan.id)! }))
      .filter(({ run }) => !finalPhases.has(run.phase) && run.phase !== 'RollingBack')

  /** The rollout that is still to bring an application to a cluster; of several in line, the first that lets go. */
  function findComing(application: string, cluster: string): Coming | undefined {
    const coming = activeOf(application).filter(({ plan, run }) => {
      const progress = run.clusters[cluster]
      if (!plan.targets[cluster] || !progress) return false
      return progress.state === 'Pending' || (progress.state === 'Done' && mayMove(progress))
    })
    return coming.find(({ plan }) => gives(plan.targets[cluster])) ?? coming.at(-1)
  }

  /** Whether Git asks still for what a rollout ended without: it comes once the cluster is back, or its veto over. */
  function isMissed(application: string, cluster: string): boolean {
    const last = plansOf(state, application).findLast(({ targets }) => targets[cluster])
    const run = last && state.runs.get(last.id)
    const progress = run?.clusters[cluster]
    if (!run || progress?.state !== 'Done') return false
    // What it missed of those is not to come by itself.
    if (run.phase === 'RolledBack' || run.phase === 'Aborted') return false
    if (!mayMove(progress) || state.holds.has(application)) return false
    const desired = deps.desired(application, cluster)
    const has = state.assignments.get(cluster)?.get(application)?.digest
    return desired !== undefined && desired !== has
  }

  /** Of one that nothing is under way of. */
  function explainLater(application: string, cluster: string): string {
    const leavesAt = deps.leavesAt(application, cluster)
    if (leavesAt !== undefined) return ` when it is removed, at ${toTime(leavesAt)}`
    if (!isMissed(application, cluster)) return ''
    return isFree(application, cluster)
      ? ' by a rollout that is planned in a moment'
      : ': something holds it back there'
  }

  /** Whether an application that has not let go yet will, by what is under way or is to come. */
  const isToLetGo = (application: string, cluster: string): boolean =>
    findComing(application, cluster) !== undefined ||
    deps.leavesAt(application, cluster) !== undefined ||
    isMissed(application, cluster)

  return { activeOf, findComing, explainLater, isToLetGo }
}

function toTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
