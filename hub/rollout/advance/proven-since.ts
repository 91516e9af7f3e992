import type { LedgerState } from '../../ledger/replay.ts'
import type { Content, RolloutPlan } from '../rollout.ts'

/* A plan may have waited before it began: in line, for a person, behind another. What a rollback of it goes back to is
   what had proven good by then, not as it was planned, or clusters would go back by two versions. */

/** By cluster: what a rollback goes back to instead; null where that is nothing. */
export type ProvenSince = Readonly<Record<string, Content | null>>

/** What has proven good since a plan was made; undefined where nothing has. */
export function findProvenSince(
  { good }: Pick<LedgerState, 'good'>,
  { application, targets }: Pick<RolloutPlan, 'application' | 'targets'>,
): ProvenSince | undefined {
  const found = Object.entries(targets).flatMap(([cluster, { digest, previous }]) => {
    const last = good.get(cluster)?.get(application)
    if (!last || last.digest === digest || last.digest === (previous?.digest ?? null)) return []
    return [[cluster, last.digest === null ? null : last] as const]
  })
  return found.length > 0 ? Object.fromEntries(found) : undefined
}

/** The plan as it goes from here on. */
export function goBackTo(plan: RolloutPlan, proven: ProvenSince): RolloutPlan {
  const targets = Object.entries(plan.targets).map(
    ([cluster, target]) =>
      [
        cluster,
        cluster in proven ? { ...target, previous: proven[cluster] ?? null } : target,
      ] as const,
  )
  return { ...plan, targets: Object.fromEntries(targets) }
}
