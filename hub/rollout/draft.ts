import type {
  ClusterObservation,
  ClusterProgress,
  Content,
  PlannedWave,
  RolloutEffect,
  RolloutPhase,
  RolloutPlan,
  RolloutRun,
} from './rollout.ts'

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
  clusters: Record<string, ClusterProgress>
  startedAt: number | null
  finishedAt: number | null
  message: string
  readonly effects: RolloutEffect[]
  recheckAt: number | null
}

export function openDraft(run: RolloutRun): Draft {
  const { phase, wave, waveStartedAt, approvals, clusters, startedAt, finishedAt, message } = run
  return {
    phase,
    wave,
    waveStartedAt,
    approvals,
    clusters: { ...clusters },
    startedAt,
    finishedAt,
    message,
    effects: [],
    recheckAt: null,
  }
}

/** Notes that the run must be looked at again by `at` at the latest. */
export function recheck(draft: Draft, at: number | null): void {
  if (at !== null && (draft.recheckAt === null || at < draft.recheckAt)) draft.recheckAt = at
}

export function assign(draft: Draft, moment: Moment, cluster: string, content: Content): void {
  const { digest, size, revision } = content
  draft.effects.push({
    kind: 'assign',
    cluster,
    content: { digest, size, revision },
    generation: moment.generation,
  })
}

/**
 * Ends the run. Clusters whose turn never came are said to have been skipped, except where another
 * rollout takes over: it decides about them.
 */
export function finish(draft: Draft, moment: Moment, phase: RolloutPhase, message: string): void {
  draft.phase = phase
  draft.finishedAt = moment.now
  draft.message = message
  draft.recheckAt = null
  if (phase === 'Superseded') return
  for (const [name, progress] of Object.entries(draft.clusters)) {
    if (progress.state !== 'Pending') continue
    draft.clusters[name] = {
      state: 'Done',
      outcome: 'Skipped',
      generation: 0,
      at: moment.now,
      message: 'the rollout ended before its turn',
    }
  }
}

/** Waves whose turn has come, with the one in hand last. */
export function openWaves(plan: RolloutPlan, wave: number): readonly PlannedWave[] {
  return plan.waves.slice(0, wave + 1)
}
