import { plansOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import { noTimes } from '../../ledger/wave-times.ts'
import { nameGate, type PlannedGate } from '../gate/planned-gate.ts'
import type { PlannedWave, RolloutPlan } from '../rollout.ts'
import { type Waits, noWaits, passWave } from './waits.ts'

/** How long a wave of a finished rollout took, once its gates let it go. */
export interface PastWave {
  readonly wave: string
  /** Milliseconds for clusters that go at the same time, without their soak. */
  readonly batch: number
}

/** As waves mostly went, and as the longest of them did. */
export type Pace = 'typical' | 'longest'

/** What a rollout meets, beside what it takes by itself. */
export interface Ahead {
  /** When it begins, by the hub's clock. */
  readonly from: Readonly<Record<Pace, number>>
  /** What keeps clusters back. */
  readonly waits: Readonly<Record<Pace, Waits>>
  /** Of that, what cannot be foretold. */
  readonly uncounted: readonly string[]
}

/**
 * Milliseconds. A time is null where nothing like it was rolled out before, or where it waits for a
 * window of which nobody can tell when it opens.
 */
export interface Estimate {
  readonly typical: number | null
  readonly longest: number | null
  /** Of the typical time, that in which nothing can be offered: windows, freezes, what comes first. */
  readonly withheld: number | null
  /** Rollouts of the application it rests on. */
  readonly rollouts: number
  readonly waves: readonly WaveEstimate[]
  /** What nobody can foretell: people, measured values. */
  readonly uncounted: readonly string[]
}

export interface WaveEstimate {
  readonly wave: string
  readonly typical: number | null
  readonly longest: number | null
  readonly withheld: number | null
  /** Whether this wave went before, or only others of the application did. */
  readonly basis: 'wave' | 'application' | 'none'
}

type History = Pick<LedgerState, 'plans' | 'runs' | 'rolloutsOf' | 'waveTimes'>

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
  const { starts, idle } = state.waveTimes.get(plan.id) ?? noTimes
  const start = starts.get(index)
  // A cluster that came back was caught up in a later wave, and says nothing of this one.
  const end = starts.get(index + 1) ?? Infinity
  const clusters = state.runs.get(plan.id)!.clusters
  const ends = wave.clusters.flatMap((name) => {
    const progress = clusters[name]
    const succeeded = progress?.state === 'Done' && progress.outcome === 'Succeeded'
    return succeeded && progress.at <= end ? [progress.at] : []
  })
  if (start === undefined || ends.length === 0) return undefined
  const moved = Math.max(...ends) - start - (idle.get(index) ?? 0)
  return { wave: wave.name, batch: Math.max(0, moved / batchesOf(wave) - wave.soak) }
}

/** One that meets nothing. */
const atOnce: Ahead = {
  from: { typical: 0, longest: 0 },
  waits: { typical: noWaits, longest: noWaits },
  uncounted: [],
}

/** How long a plan will take, by what rollouts of the application took before. */
export function estimateRollout(
  plan: Pick<RolloutPlan, 'waves'>,
  past: readonly (readonly PastWave[])[],
  ahead: Ahead = atOnce,
): Estimate {
  const known = past.flat()
  const clock: Record<Pace, number | null> = { ...ahead.from }
  const waves: WaveEstimate[] = []
  const uncounted = [...ahead.uncounted]
  for (const wave of plan.waves) {
    const { basis, batch } = findBatch(wave, known)
    const typical = follow(wave, batch.typical, 'typical')
    const longest = follow(wave, batch.longest, 'longest')
    waves.push({
      ...{ wave: wave.name, basis },
      ...{ typical: typical?.time ?? null, longest: longest?.time ?? null },
      withheld: typical?.withheld ?? null,
    })
    uncounted.push(...describeOpenEnds(wave, 'before'), ...describeOpenEnds(wave, 'after'))
    if (basis === 'none' || (typical && longest)) continue
    uncounted.push(`a window for wave ${wave.name}: nobody can tell when it opens`)
  }

  /** One wave after what was followed so far. Where nobody knows when it begins, windows are left out. */
  function follow(wave: PlannedWave, batch: number | null, pace: Pace) {
    const start = clock[pace]
    clock[pace] = null
    if (batch === null) return undefined
    if (wave.clusters.length === 0) {
      clock[pace] = start
      return { time: 0, withheld: 0 }
    }
    const from = (start ?? 0) + longestGate(wave.before)
    const waits = start === null ? noWaits : ahead.waits[pace]
    const passed = passWave(wave, batch + wave.soak, from, waits)
    if (!passed) return undefined
    const end = passed.end + longestGate(wave.after)
    if (start !== null) clock[pace] = end
    return { time: end - (start ?? 0), withheld: passed.withheld }
  }

  const sum = (key: Pace | 'withheld'): number | null =>
    waves.reduce<number | null>((total, wave) => {
      const time = wave[key]
      return total === null || time === null ? null : total + time
    }, 0)
  return {
    ...{ typical: sum('typical'), longest: sum('longest'), withheld: sum('withheld') },
    ...{ rollouts: past.length, waves, uncounted },
  }
}

/** What clusters that go together took, of waves of this name or else of any. */
function findBatch({ name, clusters }: PlannedWave, known: readonly PastWave[]) {
  if (clusters.length === 0) return { basis: 'wave', batch: { typical: 0, longest: 0 } } as const
  const same = known.filter(({ wave }) => wave === name)
  const basis = same.length > 0 ? 'wave' : known.length > 0 ? 'application' : 'none'
  const batches = (same.length > 0 ? same : known)
    .map(({ batch }) => batch)
    .toSorted((a, b) => a - b)
  const typical = batches[Math.floor((batches.length - 1) / 2)] ?? null
  return { basis, batch: { typical, longest: batches.at(-1) ?? null } } as const
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
