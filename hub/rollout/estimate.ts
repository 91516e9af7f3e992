import { plansOf } from '../ledger/by-application.ts'
import type { LedgerState } from '../ledger/replay.ts'
import { nameGate, type PlannedGate } from './planned-gate.ts'
import type { PlannedWave, RolloutPlan } from './rollout.ts'

/** How long a wave of a finished rollout took, once its gates let it go. */
export interface PastWave {
  readonly wave: string
  /** Milliseconds for clusters that go at the same time, without their soak. */
  readonly batch: number
}

/** Milliseconds. A time is null where nothing like it was rolled out before. */
export interface Estimate {
  readonly typical: number | null
  readonly longest: number | null
  /** Rollouts of the application it rests on. */
  readonly rollouts: number
  readonly waves: readonly WaveEstimate[]
  /** What nobody can foretell: people, measured values, windows. */
  readonly uncounted: readonly string[]
}

export interface WaveEstimate {
  readonly wave: string
  readonly typical: number | null
  readonly longest: number | null
  /** Whether this wave went before, or only others of the application did. */
  readonly basis: 'wave' | 'application' | 'none'
}

type History = Pick<LedgerState, 'plans' | 'runs' | 'rolloutsOf' | 'waveStarts'>

/** Rollouts looked at: the newest. */
const mostRollouts = 20

/** What rollouts of an application took that came to a good end; of each, its waves. */
export function listPastWaves(state: History, application: string): PastWave[][] {
  return plansOf(state, application)
    .filter((plan) => plan.trigger.kind !== 'rollback')
    .filter((plan) => state.runs.get(plan.id)?.phase === 'Succeeded')
    .slice(-mostRollouts)
    .map((plan) => plan.waves.flatMap((wave, index) => measureWave(state, plan, wave, index) ?? []))
    .filter((waves) => waves.length > 0)
}

function measureWave(
  state: History,
  plan: RolloutPlan,
  wave: PlannedWave,
  index: number,
): PastWave | undefined {
  const starts = state.waveStarts.get(plan.id)
  const start = starts?.get(index)
  // A cluster that came back was caught up in a later wave, and says nothing of this one.
  const end = starts?.get(index + 1) ?? Infinity
  const clusters = state.runs.get(plan.id)!.clusters
  const ends = wave.clusters.flatMap((name) => {
    const progress = clusters[name]
    const succeeded = progress?.state === 'Done' && progress.outcome === 'Succeeded'
    return succeeded && progress.at <= end ? [progress.at] : []
  })
  if (start === undefined || ends.length === 0) return undefined
  const moved = Math.max(...ends) - start
  return { wave: wave.name, batch: Math.max(0, moved / batchesOf(wave) - wave.soak) }
}

/** How long a plan will take, by what rollouts of the application took before. */
export function estimateRollout(
  plan: Pick<RolloutPlan, 'waves'>,
  past: readonly (readonly PastWave[])[],
): Estimate {
  const known = past.flat()
  const waves = plan.waves.map((wave) => estimateWave(wave, known))
  const sum = (key: 'typical' | 'longest'): number | null =>
    waves.reduce<number | null>((total, wave) => {
      const time = wave[key]
      return total === null || time === null ? null : total + time
    }, 0)
  return {
    typical: sum('typical'),
    longest: sum('longest'),
    rollouts: past.length,
    waves,
    uncounted: plan.waves.flatMap((wave) => [
      ...describeOpenEnds(wave, 'before'),
      ...describeOpenEnds(wave, 'after'),
    ]),
  }
}

function estimateWave(wave: PlannedWave, known: readonly PastWave[]): WaveEstimate {
  const gates = longestGate(wave.before) + longestGate(wave.after)
  const { name } = wave
  if (wave.clusters.length === 0) return { wave: name, typical: 0, longest: 0, basis: 'wave' }
  const same = known.filter((one) => one.wave === name)
  const [times, basis] =
    same.length > 0 ? ([same, 'wave'] as const) : ([known, 'application'] as const)
  if (times.length === 0) return { wave: name, typical: null, longest: null, basis: 'none' }
  const batches = times.map(({ batch }) => batch).toSorted((a, b) => a - b)
  const of = (batch: number) => batchesOf(wave) * (batch + wave.soak) + gates
  const middle = batches[Math.floor((batches.length - 1) / 2)]!
  return { wave: name, typical: of(middle), longest: of(batches.at(-1)!), basis }
}

/** Groups of clusters that go one after the other. */
function batchesOf({ clusters, maxConcurrent }: PlannedWave): number {
  return Math.max(1, Math.ceil(clusters.length / Math.max(1, maxConcurrent)))
}

/** Gates of one side stand side by side: the time that all of those need whose time is known. */
function longestGate(gates: readonly PlannedGate[]): number {
  return Math.max(
    0,
    ...gates.map((gate) => {
      switch (gate.kind) {
        case 'soak':
          return gate.duration
        case 'metric':
          return gate.interval * (gate.count - 1)
        case 'approval':
        case 'cel':
        case 'webhook':
          return 0
        default:
          return gate satisfies never
      }
    }),
  )
}

function describeOpenEnds(wave: PlannedWave, side: 'before' | 'after'): string[] {
  if (wave.clusters.length === 0) return []
  return wave[side]
    .filter(({ kind }) => kind === 'approval' || kind === 'cel' || kind === 'webhook')
    .map((gate) => `${nameGate(gate)} ${side} wave ${wave.name}`)
}
