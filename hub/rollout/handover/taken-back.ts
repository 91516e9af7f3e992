import type { LedgerState } from '../../ledger/replay.ts'
import { gives } from '../advance/listed.ts'
import { type Assignment, type ClusterProgress, finalPhases } from '../rollout.ts'
import type { ComingDeps } from './coming.ts'

/* Removals that Git has taken back before the cluster's agent had them: it was away, or its hub was. */

export interface TakenBackDeps extends Pick<ComingDeps, 'desired'> {
  readonly state: Pick<LedgerState, 'plans' | 'runs' | 'assignments'>
  /** Whether this hub has decided on Git. */
  readonly isSettled: () => boolean
}

export function createTakenBack({ state, desired, isSettled }: TakenBackDeps) {
  /**
   * Whether a cluster is to be removed what Git asks for there by now: the rollout that brings it may wait for a gate,
   * and what comes late would delete it meanwhile. Not where others have it by then, nor where a rollback takes it.
   */
  function isTakenBack({ application, cluster, digest, rollout, undo }: Assignment): boolean {
    if (digest !== null || undo) return false
    const target = state.plans.get(rollout)?.targets[cluster]
    if (target?.digest !== null || gives(target)) return false
    const wish = desired(application, cluster)
    if (wish !== undefined) return wish !== null
    const run = state.runs.get(rollout)!
    // It was carried out: an agent that says it runs this was set back, and would make it anew.
    if (isCarriedOut(run.clusters[cluster])) return false
    // Nobody knows yet, or nobody can tell.
    return !isSettled() || finalPhases.has(run.phase)
  }

  /** By application: the generation of the removal that Git took back. */
  function listTakenBack(cluster: string): ReadonlyMap<string, number> {
    const mine = [...(state.assignments.get(cluster)?.values() ?? [])].filter(isTakenBack)
    return new Map(mine.map(({ application, generation }) => [application, generation]))
  }

  return listTakenBack
}

function isCarriedOut(progress: ClusterProgress | undefined): boolean {
  return progress?.state === 'Done' && progress.outcome === 'Succeeded'
}
