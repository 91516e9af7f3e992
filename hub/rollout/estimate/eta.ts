import { type Ahead, type Pace, type PastWave, estimateRollout } from './estimate.ts'
import type { ClusterProgress, PlannedWave, RolloutPlan, RolloutRun } from '../rollout.ts'

/** When a rollout that is under way will be done. Milliseconds by the hub's clock. */
export interface Eta {
  /** Null where nothing like what is left was rolled out before. */
  readonly typical: number | null
  readonly longest: number | null
  /** What nobody can foretell: people, answers from outside. */
  readonly uncounted: readonly string[]
}

const minute = 60_000

/** When the waves of a rollout will be done, by their place in the plan; those that are done have none. */
export interface WaveEnds {
  readonly typical: readonly (number | null)[]
  readonly longest: readonly (number | null)[]
  readonly uncounted: readonly string[]
}

/** What it meets from now on. */
export type Upcoming = Pick<Ahead, 'waits' | 'uncounted'> & { readonly now: number }

/**
 * By what rollouts of the application took before, from where this one is. Null of one that is over,
 * has not started, or goes no further by itself.
 */
export function foretellEnd(
  plan: RolloutPlan,
  run: RolloutRun,
  past: readonly (readonly PastWave[])[],
  upcoming: Upcoming,
): Eta | null {
  const ends = foretellWaves(plan, run, past, upcoming)
  if (!ends) return null
  const { typical, longest, uncounted } = ends
  return { typical: typical.at(-1) ?? null, longest: longest.at(-1) ?? null, uncounted }
}

/** As `foretellEnd`, of each wave that is left. */
export function foretellWaves(
  plan: RolloutPlan,
  run: RolloutRun,
  past: readonly (readonly PastWave[])[],
  { now, waits, uncounted }: Upcoming,
): WaveEnds | null {
  const { waveStartedAt } = run
  const [current, ...rest] = plan.waves.slice(run.wave)
  if (run.phase !== 'Progressing' || !current) return null
  // Its gates have let the wave go.
  const left = waveStartedAt === null ? current : { ...current, before: [] }
  // What is overdue may be done any moment; by the minute, so that looking again shows the same.
  const soonest = Math.ceil(now / minute) * minute
  const estimate = (waves: readonly PlannedWave[], pace: Pace, from: number | null) => {
    const begin = from ?? soonest
    const ahead = { from: { typical: begin, longest: begin }, waits, uncounted: [] }
    const times = estimateRollout({ waves }, past, ahead)
    let at: number | null = from
    const ends = times.waves.map((wave) => {
      const time = wave[pace]
      at = at === null || time === null ? null : at + time
      return at
    })
    return { ends, uncounted: times.uncounted }
  }

  function endsBy(pace: Pace): (number | null)[] {
    const first = endOfCurrent(pace)
    return [
      ...plan.waves.slice(0, run.wave).map(() => null),
      first,
      ...estimate(rest, pace, first).ends,
    ]
  }

  function endOfCurrent(pace: Pace): number | null {
    if (waveStartedAt === null) return estimate([left], pace, soonest).ends[0] ?? null
    const time = estimateRollout({ waves: [left] }, past).waves[0]![pace]
    const pending = left.clusters.filter((name) => isPending(run.clusters[name]))
    const others = estimate([{ ...left, clusters: pending }], pace, soonest).ends[0]
    if (time === null || others === null || others === undefined) return null
    const end = waveStartedAt + time < now ? soonest : waveStartedAt + time
    return Math.max(end, pending.length === 0 ? 0 : others, endOfSoak(current!, run) ?? 0)
  }

  const told = estimate([left, ...rest], 'typical', soonest).uncounted
  return {
    ...{ typical: endsBy('typical'), longest: endsBy('longest') },
    uncounted: [...new Set([...told, ...uncounted])],
  }
}

/** Of a plan, the clusters that are still to be offered it. */
export function leftOf(
  { application, waves }: RolloutPlan,
  run: RolloutRun,
): Pick<RolloutPlan, 'application' | 'waves'> {
  const left = waves.map((wave) => ({
    ...wave,
    clusters: wave.clusters.filter((name) => isPending(run.clusters[name])),
  }))
  return { application, waves: left }
}

/** Whether it is still to be offered anything. */
function isPending(progress: ClusterProgress | undefined): boolean {
  return progress === undefined || progress.state === 'Pending'
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
