import { contentBefore, toContent } from '../content.ts'
import type { GateState } from '../gate/gate-state.ts'
import { isUnsent } from './outcome.ts'
import type {
  ClusterObservation,
  ClusterProgress,
  Content,
  Measurement,
  PlannedWave,
  RolloutEffect,
  RolloutPhase,
  RolloutPlan,
  RolloutRun,
} from '../rollout.ts'

/** What a step is taken with; none of it changes during the step. */
export interface Moment {
  readonly plan: RolloutPlan
  readonly observations: Readonly<Record<string, ClusterObservation>>
  readonly now: number
  /** Stamped on whatever is assigned in this step. */
  readonly generation: number
}

/** A run while a step works on it. Lives inside one `step` and never leaves it. */
export interface Draft {
  phase: RolloutPhase
  wave: number
  waveStartedAt: number | null
  approvals: RolloutRun['approvals']
  gates: Record<string, GateState>
  clusters: Record<string, ClusterProgress>
  startedAt: number | null
  startedBy?: readonly string[]
  finishedAt: number | null
  message: string
  readonly effects: RolloutEffect[]
  measurements: Measurement[]
  recheckAt: number | null
}

export function openDraft(run: RolloutRun): Draft {
  const { phase, wave, waveStartedAt, approvals, clusters, startedAt, startedBy } = run
  const { finishedAt, message } = run
  return {
    phase,
    wave,
    waveStartedAt,
    approvals,
    // Runs of an earlier version of the hub have none.
    gates: { ...run.gates },
    clusters: { ...clusters },
    startedAt,
    ...(startedBy && { startedBy }),
    finishedAt,
    message,
    effects: [],
    measurements: [],
    recheckAt: null,
  }
}

/** Notes that the run must be looked at again by `at` at the latest. */
export function recheck(draft: Draft, at: number | null): void {
  if (at !== null && (draft.recheckAt === null || at < draft.recheckAt)) draft.recheckAt = at
}

export function assign(draft: Draft, moment: Moment, cluster: string, content: Content): void {
  draft.effects.push({
    kind: 'assign',
    cluster,
    content: toContent(content),
    generation: moment.generation,
  })
}

/**
 * Ends the run. Each cluster has an outcome then: those whose turn never came were skipped, and so
 * were those on their way, which keep what they were offered. Only where another rollout takes over
 * none is stated: it decides about them.
 */
export function finish(draft: Draft, moment: Moment, phase: RolloutPhase, message: string): void {
  draft.phase = phase
  draft.finishedAt = moment.now
  draft.message = message
  draft.recheckAt = null
  if (phase === 'Superseded') return
  for (const [name, progress] of Object.entries(draft.clusters)) {
    const isKept = isUnsent(progress, moment.observations[name])
    const settled = settleProgress(isKept ? { state: 'Pending' } : progress, moment.now, message)
    draft.clusters[name] = takeBackUnsent(draft, moment, name, settled)
  }
}

/** What a cluster was offered and has not been sent is taken back where its turn ends: it would be sent for that. */
export function takeBackUnsent(
  draft: Draft,
  moment: Moment,
  name: string,
  settled: ClusterProgress,
): ClusterProgress {
  const { observations, generation } = moment
  if (settled.state !== 'Done' || !isUnsent(draft.clusters[name]!, observations[name])) {
    return settled
  }
  assign(draft, moment, name, contentBefore(moment.plan, name))
  return { ...settled, generation, withdrawn: true, unsent: true }
}

function settleProgress(progress: ClusterProgress, at: number, why: string): ClusterProgress {
  const skipped = { state: 'Done', outcome: 'Skipped', at } as const
  switch (progress.state) {
    case 'Pending': {
      const { generation = 0 } = progress
      return { ...skipped, generation, message: 'the rollout ended before its turn' }
    }
    case 'Offered':
    case 'Soaking': {
      const message = `the rollout ended while it was on its way; what it was offered stays (${why})`
      return { ...skipped, generation: progress.generation, message }
    }
    case 'Reverting': {
      const { generation, outcome } = progress
      return { state: 'Reverted', generation, at, outcome, unconfirmed: why }
    }
    case 'Done':
    case 'Reverted':
      return progress
  }
}

/** Waves whose turn has come, with the one in hand last. */
export function openWaves(plan: RolloutPlan, wave: number): readonly PlannedWave[] {
  return plan.waves.slice(0, wave + 1)
}
