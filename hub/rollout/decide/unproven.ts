import type { Digest } from '@groundswell/proto/digest.ts'
import type { ChangeInput, PastRollout } from './changes.ts'
import type { Assignment, ClusterProgress, RolloutPlan, RolloutRun } from '../rollout.ts'

/* Clusters that have what a rollout brought and have not proven it: what brings it to others begins with them. */

type Standing = Pick<ChangeInput, 'assigned' | 'history'>

/**
 * Clusters that a rollout in hand has come to and that have not proven what it brings: those that have not
 * succeeded, and all of its wave where a gate after it is still to be passed. What takes its place begins
 * with them, or other clusters would get by a small change elsewhere what was kept from them until then.
 * What a person skipped stays skipped.
 */
export function listUnproven({ plan, run }: PastRollout): string[] {
  return plan.waves.slice(0, run.wave + 1).flatMap(({ clusters, after }, index) =>
    clusters.filter((name) => {
      const progress = run.clusters[name]
      if (progress?.state !== 'Done') return progress !== undefined
      // What was on its way there was passed over by nobody's word.
      if (progress.outcome === 'Skipped')
        return progress.generation > 0 && isEndedByAbort(run, progress)
      return progress.outcome !== 'Succeeded' || (index === run.wave && after.length > 0)
    }),
  )
}

/** Whether a cluster is called skipped since somebody aborted all before it was done, and was not by itself. */
export function isEndedByAbort(
  { phase, finishedAt }: RolloutRun,
  { outcome, at }: Extract<ClusterProgress, { readonly state: 'Done' }>,
): boolean {
  return phase === 'Aborted' && outcome === 'Skipped' && at === finishedAt
}

/**
 * Clusters that have what a rollout brought whose place was taken, or that was aborted, before they had proven it,
 * and that none has come to since: the one after it may have stood at its gate, been withdrawn or rolled back,
 * when Git asked for the same again.
 *
 * @param spread what others are to get: of what was aborted nothing goes on but what they would get without it
 */
export function listLeft(
  { assigned, history }: Standing,
  spread: ReadonlySet<Digest | null>,
): [string, RolloutPlan][] {
  const unprovenOf = new Map<PastRollout, ReadonlySet<string>>()
  const isUnproven = (past: PastRollout, cluster: string): boolean => {
    const known = unprovenOf.get(past) ?? new Set(listUnproven(past))
    unprovenOf.set(past, known)
    return known.has(cluster)
  }
  return [...assigned].flatMap(([cluster, { rollout, digest }]) => {
    const past = findBringer(history, cluster, { rollout, digest })
    if (past?.run.phase !== 'Superseded' && past?.run.phase !== 'Aborted') return []
    const last = history.find(({ plan, run }) => run.startedAt !== null && plan.targets[cluster])
    // Also where what was aborted was to prove it anew.
    const isAborted = [past, last].some(
      (one) => one?.run.phase === 'Aborted' && one.plan.targets[cluster]?.digest === digest,
    )
    if (isAborted && !spread.has(digest)) return []
    if (!isUnproven(past, cluster)) return []
    return last && last !== past && isSettled(last, cluster, digest) ? [] : [[cluster, past.plan]]
  })
}

/** Clusters that have what a rollout brought that is over, and for which it did not end well. */
export function listEndedWithout({ assigned, history }: Standing): [string, RolloutPlan][] {
  return [...assigned].flatMap(([cluster, has]) => {
    const past = findBringer(history, cluster, has)
    const progress = past?.run.clusters[cluster]
    const isOver = past?.run.finishedAt != null && progress?.state === 'Done'
    return isOver && progress.outcome !== 'Succeeded' ? [[cluster, past.plan]] : []
  })
}

/** The rollout that brought a cluster what it has; not one that gave it back. */
function findBringer(
  history: readonly PastRollout[],
  cluster: string,
  { rollout, digest }: Pick<Assignment, 'rollout' | 'digest'>,
): PastRollout | undefined {
  const at = history.findIndex(({ plan }) => plan.id === rollout)
  if (at < 0) return undefined
  return history
    .slice(at)
    .find(
      ({ plan, run }) =>
        run.clusters[cluster]?.generation && plan.targets[cluster]?.digest === digest,
    )
}

/** Whether a rollout was done with a cluster that was to have the same, and did not end before its turn. */
function isSettled({ plan, run }: PastRollout, cluster: string, digest: Digest | null): boolean {
  const progress = run.clusters[cluster]
  if (progress?.state !== 'Done' || progress.withdrawn) return false
  if (plan.targets[cluster]?.digest !== digest) return false
  return progress.outcome !== 'Skipped' || progress.at !== run.finishedAt
}
