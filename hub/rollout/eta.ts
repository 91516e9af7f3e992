import { type PastWave, estimateRollout } from './estimate.ts'
import type { PlannedWave, RolloutPlan, RolloutRun } from './rollout.ts'

/** When a rollout that is under way will be done. Milliseconds by the hub's clock. */
export interface Eta {
  /** Null where nothing like what is left was rolled out before. */
  readonly typical: number | null
  readonly longest: number | null
  /** What nobody can foretell: people, answers from outside. */
  readonly uncounted: readonly string[]
}

const minute = 60_000

/**
 * By what rollouts of the application took before, from where this one is. Null of one that is over,
 * has not started, or goes no further by itself.
 */
export function foretellEnd(
  plan: RolloutPlan,
  run: RolloutRun,
  past: readonly (readonly PastWave[])[],
  now: number,
): Eta | null {
  if (run.phase !== 'Progressing') return null
  const { waveStartedAt } = run
  const [current, ...rest] = plan.waves.slice(run.wave)
  if (!current) return null
  // Its gates have let the wave go.
  const left = waveStartedAt === null ? current : { ...current, before: [] }
  const { waves, uncounted } = estimateRollout({ waves: [left, ...rest] }, past)
  // What is overdue may be done any moment; by the minute, so that looking again shows the same.
  const soonest = Math.ceil(now / minute) * minute
  const start = waveStartedAt ?? soonest
  const soaked = endOfSoak(current, run) ?? 0
  const endBy = (key: 'typical' | 'longest'): number | null => {
    const [first, ...others] = waves.map((wave) => wave[key])
    if (first === null || first === undefined) return null
    const end = start + first < now ? soonest : start + first
    return others.reduce<number | null>(
      (sum, time) => (sum === null || time === null ? null : sum + time),
      Math.max(end, soaked),
    )
  }
  return { typical: endBy('typical'), longest: endBy('longest'), uncounted }
}

/** When the last cluster of a wave that soaks now will have soaked; null when none does. */
export function endOfSoak(wave: PlannedWave, { clusters }: RolloutRun): number | null {
  let end: number | null = null
  for (const name of wave.clusters) {
    const progress = clusters[name]
    if (progress?.state !== 'Soaking') continue
    end = Math.max(end ?? 0, progress.healthySince + wave.soak)
  }
  return end
}
