import type { LedgerState } from '../../ledger/replay.ts'
import { gives } from '../advance/listed.ts'
import { mayMove } from '../step/outcome.ts'
import type { ClusterProgress, RolloutPlan } from '../rollout.ts'

/* Who has still what another is to get on a cluster, and what is kept from the cluster for it. */

export interface KeptDeps {
  readonly state: Pick<LedgerState, 'plans' | 'runs' | 'assignments'>
  /** Whether an application that has not let go yet will. */
  readonly isToLetGo: (application: string, cluster: string) => boolean
  /** When all that Git asked had been decided on last, in milliseconds: what is younger may not be planned yet. */
  readonly settledAt: () => number
}

/** What is assigned and not sent. */
export interface Kept {
  readonly plan: RolloutPlan
  readonly holders: readonly string[]
  /** For whom it waits. */
  readonly first: string
}

export function createKept({ state, isToLetGo, settledAt }: KeptDeps) {
  /** Whether what another gives to a plan may be planned only now, in the same round. */
  const isEarly = ({ createdAt, trigger }: RolloutPlan): boolean =>
    trigger.kind !== 'api' && settledAt() < createdAt

  /** Applications that have on a cluster what a plan is to get there, and are still to let go of it. */
  function listHolders(plan: RolloutPlan, cluster: string, before = Infinity): string[] {
    const there = state.assignments.get(cluster)
    return Object.entries(plan.targets[cluster]?.from ?? {})
      .filter(([name, digest]) => {
        const has = there?.get(name)
        if (!has || has.digest === null || has.generation >= before) return false
        if (has.digest === digest) return true
        // What stood in line before what lets go came meanwhile.
        const by = state.plans.get(has.rollout)
        return by !== undefined && by.createdAt < plan.createdAt && !gives(by.targets[cluster])
      })
      .map(([name]) => name)
      .filter((name) => isEarly(plan) || isToLetGo(name, cluster))
  }

  /** What is assigned to a cluster and kept from it, until all that comes with it can be in one snapshot. */
  function findKept(cluster: string): ReadonlyMap<string, Kept> {
    const kept = new Map<string, Kept>()
    const offered = [...(state.assignments.get(cluster)?.values() ?? [])].flatMap((one) => {
      const plan = state.plans.get(one.rollout)
      const target = plan?.targets[cluster]
      if (!target?.from || target.digest !== one.digest) return []
      const progress = state.runs.get(one.rollout)?.clusters[cluster]
      return mayBeUnsent(progress) ? [{ ...one, plan: plan!, from: Object.keys(target.from) }] : []
    })
    // What comes with one that is kept is kept as well.
    for (let before = -1; before < kept.size;) {
      before = kept.size
      for (const { application, plan, from, generation } of offered) {
        if (kept.has(application)) continue
        const holders = listHolders(plan, cluster, generation)
        const first = holders[0] ?? from.find((name) => kept.has(name))
        if (first !== undefined) kept.set(application, { plan, holders, first })
      }
    }
    return kept
  }

  return { listHolders, findKept }
}

/** Also of a cluster that went away meanwhile: back again it must not be sent one half alone. */
function mayBeUnsent(progress: ClusterProgress | undefined): boolean {
  if (progress?.state === 'Done') return mayMove(progress)
  return progress?.state === 'Offered' || progress?.state === 'Pending'
}
