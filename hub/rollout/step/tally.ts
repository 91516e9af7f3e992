import type { ClusterOutcome, ClusterProgress, RolloutPlan, RolloutRun } from '../rollout.ts'

type Clusters = Readonly<Record<string, ClusterProgress>>

/**
 * Whether the content may go on beyond these clusters: it ran well on one of them, or none of
 * them was meant to prove anything. A canary nobody could reach, that refused, or that was given
 * nothing, proves nothing.
 */
export function isProven(names: readonly string[], clusters: Clusters): boolean {
  const done = names.flatMap((name) => {
    const progress = clusters[name]
    return progress?.state === 'Done' ? [progress] : []
  })
  if (done.some(({ outcome }) => outcome === 'Succeeded')) return true
  return !done.some(
    ({ outcome, closed }) => outcome === 'Unreachable' || outcome === 'Vetoed' || closed === true,
  )
}

/** `3 succeeded, 1 unreachable`, of all clusters, most important first. */
export function sumUp(clusters: Clusters): string {
  const counts = new Map<ClusterOutcome, number>()
  for (const progress of Object.values(clusters)) {
    if (progress.state !== 'Done') continue
    counts.set(progress.outcome, (counts.get(progress.outcome) ?? 0) + 1)
  }
  const words: readonly (readonly [ClusterOutcome, string])[] = [
    ['Succeeded', 'succeeded'],
    ['Failed', 'failed'],
    ['TimedOut', 'timed out'],
    ['Unreachable', 'unreachable'],
    ['Vetoed', 'vetoed'],
    ['Skipped', 'skipped'],
  ]
  const parts = words.flatMap(([outcome, word]) => {
    const count = counts.get(outcome)
    return count === undefined ? [] : [`${count} ${word}`]
  })
  return parts.length === 0 ? 'no clusters' : parts.join(', ')
}

/** Clusters a finished rollout never reached; they must catch up in a rollout of their own. */
export function needsCatchUp(plan: RolloutPlan, run: RolloutRun): string[] {
  if (run.phase !== 'Succeeded' && run.phase !== 'Failed') return []
  return Object.keys(plan.targets).filter((name) => {
    const progress = run.clusters[name]
    return (
      progress?.state === 'Done' && progress.outcome === 'Unreachable' && progress.generation === 0
    )
  })
}
