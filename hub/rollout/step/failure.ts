import type { ClusterProgress, PlannedWave, RolloutPlan } from '../rollout.ts'

type Clusters = Readonly<Record<string, ClusterProgress>>

/** A budget that was spent, in words. */
export interface Breach {
  readonly message: string
}

/** Unreachable is its own outcome: it is caught up later, and is not a failure. */
export function isFailure(progress: ClusterProgress | undefined): boolean {
  return (
    progress?.state === 'Done' && (progress.outcome === 'Failed' || progress.outcome === 'TimedOut')
  )
}

/** Names of a wave's clusters that failed or timed out. */
export function failuresOf(wave: PlannedWave, clusters: Clusters): string[] {
  return wave.clusters.filter((name) => isFailure(clusters[name]))
}

/** The first budget that is overdrawn: more failures than a wave, or the rollout, tolerates. */
export function findBreach(plan: RolloutPlan, clusters: Clusters): Breach | null {
  const failed: string[] = []
  for (const wave of plan.waves) {
    const mine = failuresOf(wave, clusters)
    if (mine.length > wave.maxFailures) {
      return { message: describe(`wave ${wave.name}`, mine, wave.maxFailures, clusters) }
    }
    failed.push(...mine)
  }
  if (failed.length <= plan.maxFailures) return null
  return { message: describe('the rollout', failed, plan.maxFailures, clusters) }
}

/** The breach that stops the rollout; where it goes on past failures only those of a mandatory wave do. */
export function findStop(plan: RolloutPlan, clusters: Clusters): Breach | null {
  if (plan.onFailure !== 'continue') return findBreach(plan, clusters)
  const waves = plan.waves.filter(({ mandatory }) => mandatory === true)
  return waves.length === 0 ? null : findBreach({ ...plan, waves, maxFailures: Infinity }, clusters)
}

function describe(
  where: string,
  failed: readonly string[],
  budget: number,
  clusters: Clusters,
): string {
  const name = failed[0]!
  const first = clusters[name]
  const why = first?.state === 'Done' ? ` (${name}: ${first.outcome}, ${first.message})` : ''
  const failures = failed.length === 1 ? '1 failure' : `${failed.length} failures`
  return `${where} had ${failures} and tolerates ${budget === 0 ? 'none' : budget}${why}`
}
