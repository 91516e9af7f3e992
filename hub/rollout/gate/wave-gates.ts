import { type Draft, type Moment, openWaves, recheck } from '../step/draft.ts'
import { findGate } from './gate.ts'
import { gateKey, type GateState, roundOf, wholeWave } from './gate-state.ts'
import {
  type GateSide,
  gatesOf,
  isMeasured,
  type MeasuredGate,
  type MetricGate,
  nameGate,
  type PlannedGate,
} from './planned-gate.ts'
import type { ClusterProgress, PlannedWave } from '../rollout.ts'
import { isProven } from '../step/tally.ts'

/** How the gates of one side of a wave stand together. */
export type Passage =
  | { readonly state: 'open' }
  | { readonly state: 'held'; readonly message: string }
  | { readonly state: 'failed'; readonly message: string }

/**
 * Moves the gates of a side of the wave in hand on with time, and notes what has to be asked. They
 * stand side by side: people approve while a soak runs and a metric is measured.
 */
export function judgeGates(draft: Draft, moment: Moment, side: GateSide): Passage {
  const { plan, now } = moment
  const wave = plan.waves[draft.wave]!
  const held: string[] = []
  let failed: string | undefined
  const wanted: (() => void)[] = []
  gatesOf(plan, draft.wave, side).forEach((gate, index) => {
    if (gate.kind === 'approval') return
    const key = gateKey(draft.wave, side, index)
    const before = draft.gates[key] ?? startWaiting(moment)
    const state = passTime(gate, before, now)
    draft.gates[key] = state
    if (state.state === 'failed') failed ??= `${nameGate(gate)}: ${state.message}`
    if (state.state !== 'waiting' && state.state !== 'measuring') return
    held.push(nameGate(gate))
    wanted.push(() => lookAgain(draft, moment, { gate, key, state, wave, side }))
  })
  if (failed !== undefined) return { state: 'failed', message: failed }
  for (const want of wanted) want()
  const missing = findGate(plan, draft.approvals, draft.wave, side)
  if (missing) held.unshift('approval')
  if (held.length === 0) held.push(...doubtAnswers(draft, moment, side))
  if (held.length === 0) return { state: 'open' }
  return { state: 'held', message: `waits for ${held.join(', ')}` }
}

/**
 * Asks conditions and metrics again that were good when they were asked last, where people or other gates have kept
 * the rollout since then: they have to be as it goes on. Gives their names. A webhook has given its word.
 */
function doubtAnswers(draft: Draft, moment: Moment, side: GateSide): string[] {
  const { plan, now } = moment
  const reached = openWaves(plan, draft.wave).flatMap(({ clusters }) => clusters)
  // It goes nowhere yet, and would ask for as long.
  if (side === 'after' && !isProven(reached, draft.clusters)) return []
  const gates = gatesOf(plan, draft.wave, side)
  // Of two metrics each would be measured anew for as long as the other takes.
  const slowest = Math.max(0, ...gates.map((gate) => (gate.kind === 'metric' ? gate.timeout : 0)))
  return gates.flatMap((gate, index) => {
    const key = gateKey(draft.wave, side, index)
    const before = draft.gates[key]
    if (gate.kind !== 'cel' && gate.kind !== 'metric') return []
    if (before?.state !== 'passed' || before.promoted) return []
    const age = now - before.at
    // By a clock that was set back since, nobody can tell when that was.
    const isFresh = age <= gate.interval + (gate.kind === 'metric' ? slowest : 0)
    if (age >= 0 && isFresh) return []
    const wave = plan.waves[draft.wave]!
    const state =
      gate.kind === 'cel'
        ? startWaiting(moment)
        : lackOne(gate, subjectsOf(gate, wave, side, draft.clusters), moment)
    draft.gates[key] = state
    lookAgain(draft, moment, { gate, key, state, wave, side })
    return [nameGate(gate)]
  })
}

/** A metric that has all good values but one of each that is measured. */
function lackOne(
  { count }: MetricGate,
  subjects: readonly string[],
  moment: Moment,
): Extract<GateState, { state: 'measuring' }> {
  const good = Object.fromEntries(subjects.map((subject) => [subject, count - 1]))
  const counted = { round: 1, nextAt: moment.now, good, bad: {} }
  return {
    ...startWaiting(moment),
    state: 'measuring',
    ...counted,
    message: 'is measured once more',
  }
}

/** What of a wave is measured; none when no cluster of it runs the content. */
export function subjectsOf(
  gate: MeasuredGate,
  wave: PlannedWave,
  side: GateSide,
  clusters: Readonly<Record<string, ClusterProgress>>,
): readonly string[] {
  if (gate.kind !== 'metric' || gate.per === 'wave') return [wholeWave]
  return clustersOf(wave, side, clusters)
}

/** Before a wave all of it; after it those that run well what was rolled out. */
export function clustersOf(
  wave: PlannedWave,
  side: GateSide,
  clusters: Readonly<Record<string, ClusterProgress>>,
): readonly string[] {
  if (side === 'before') return wave.clusters
  return wave.clusters.filter((name) => {
    const progress = clusters[name]
    return progress?.state === 'Done' && progress.outcome === 'Succeeded'
  })
}

/** Forgets how the gates after a wave stood, since its clusters move again. */
export function closeGates(draft: Draft, side: GateSide): void {
  const prefix = `${draft.wave}/${side}/`
  for (const key of Object.keys(draft.gates)) if (key.startsWith(prefix)) delete draft.gates[key]
}

/** A gate that begins to hold now, as if nothing had been asked of it before. */
export function startWaiting({
  now,
  generation,
}: Pick<Moment, 'now' | 'generation'>): Extract<GateState, { state: 'waiting' }> {
  return { state: 'waiting', since: now, opening: generation, message: '' }
}

/** Where a gate stands by now, by the clock alone. */
export function passTime(gate: PlannedGate, state: GateState, now: number): GateState {
  if (state.state === 'passed' || state.state === 'failed') return state
  switch (gate.kind) {
    case 'soak':
      if (now < state.since + gate.duration) return state
      return { state: 'passed', at: now, message: 'soaked' }
    case 'cel':
    case 'webhook': {
      if (gate.deadline === undefined || now < state.since + gate.deadline) return state
      const last = state.message === '' ? 'no answer' : state.message
      return { state: 'failed', at: now, message: `not in time (${last})` }
    }
    case 'metric':
    case 'approval':
      return state
  }
}

interface Looked {
  readonly gate: PlannedGate
  readonly key: string
  readonly state: Extract<GateState, { state: 'waiting' | 'measuring' }>
  readonly wave: PlannedWave
  readonly side: GateSide
}

/** Asks what is due now, or says when to look again. */
function lookAgain(draft: Draft, moment: Moment, looked: Looked): void {
  const { gate, key, state, wave, side } = looked
  if (gate.kind === 'soak') recheck(draft, state.since + gate.duration)
  if (!isMeasured(gate)) return
  if (gate.kind !== 'metric' && gate.deadline !== undefined) {
    recheck(draft, state.since + gate.deadline)
  }
  if (state.state === 'measuring' && moment.now < state.nextAt) {
    recheck(draft, state.nextAt)
    return
  }
  const clusters = clustersOf(wave, side, draft.clusters)
  draft.measurements.push({
    gate: key,
    since: state.since,
    ...(state.opening !== undefined && { opening: state.opening }),
    round: roundOf(state),
    planned: gate,
    wave: wave.name,
    clusters,
  })
}
