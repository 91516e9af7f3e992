import { type Static, Type } from 'typebox'
import { dealApprovals } from '../rollout/gate/approvals.ts'
import { type Eta, endOfSoak } from '../rollout/estimate/eta.ts'
import { currentSide } from '../rollout/gate/gate.ts'
import { gateKey, type GateState } from '../rollout/gate/gate-state.ts'
import { type GateSide, nameGate } from '../rollout/gate/planned-gate.ts'
import type { ClusterProgress, PlannedWave, RolloutPlan, RolloutRun } from '../rollout/rollout.ts'
import { finalPhases } from '../rollout/rollout.ts'
import type { Frozen } from './views.ts'

/** A rollout as the hub keeps it: the frozen plan, the moving run, and what it waits for now. */
export interface RolloutRecord {
  readonly plan: RolloutPlan
  readonly run: RolloutRun
  /** One sentence for each thing the rollout waits for. */
  readonly waitingFor: readonly string[]
  /** When it will be done; left out where nobody asked. */
  readonly eta?: Eta | null
}

const Count = Type.Integer({ minimum: 0 })
const TextOrNull = Type.Union([Type.String(), Type.Null()])
const TimeOrNull = Type.Union([Type.String({ description: 'RFC 3339, UTC' }), Type.Null()])
const SoakEnd = Type.Union([Type.String(), Type.Null()], {
  description:
    'RFC 3339, UTC; when it will have soaked if it stays healthy; null: it does not soak',
})

export const RolloutCounts = Type.Object({
  total: Count,
  pending: Count,
  inFlight: Count,
  succeeded: Count,
  failed: Count,
  timedOut: Count,
  unreachable: Count,
  vetoed: Count,
  skipped: Count,
  reverted: Count,
})

const GateView = Type.Object({
  kind: Type.String({ description: 'approval, soak, metric, cel or webhook' }),
  name: Type.String({ description: 'what it is, in words' }),
  state: Type.Unsafe<'pending' | GateState['state']>({
    type: 'string',
    enum: ['pending', 'waiting', 'measuring', 'passed', 'failed'],
    description: 'pending until the rollout comes to it',
  }),
  message: Type.String({ description: 'what was measured or answered last' }),
  role: Type.Union([Type.String(), Type.Null()], { description: 'of an approval' }),
  approvedBy: TextOrNull,
  soakEndsAt: SoakEnd,
})

export const rolloutClusterStates = [
  ...(['Pending', 'Offered', 'Soaking', 'Done', 'Reverting', 'Reverted'] as const),
] as const satisfies readonly ClusterProgress['state'][]
export type RolloutClusterState = (typeof rolloutClusterStates)[number]
export const rolloutClusterOutcomes = [
  ...(['Succeeded', 'Failed', 'TimedOut', 'Unreachable', 'Vetoed', 'Skipped'] as const),
] as const
export type RolloutClusterOutcome = (typeof rolloutClusterOutcomes)[number]

const clusterOfRollout = {
  name: Type.String(),
  state: Type.String({ description: 'Pending, Offered, Soaking, Done, Reverting or Reverted' }),
  outcome: Type.Union([Type.String(), Type.Null()], {
    description: 'Succeeded, Failed, TimedOut, Unreachable, Vetoed or Skipped',
  }),
  message: Type.String(),
  digest: Type.Union([Type.String(), Type.Null()], { description: 'null removes it' }),
  previousDigest: TextOrNull,
  previousRevision: TextOrNull,
  soakEndsAt: SoakEnd,
}
export const RolloutClusterView = Type.Object(
  { wave: Count, ...clusterOfRollout },
  { $id: 'RolloutClusterView', description: 'Where a cluster is in a rollout.' },
)

const WaveView = Type.Object({
  index: Count,
  name: Type.String(),
  state: Type.Unsafe<'Waiting' | 'Current' | 'Passed'>({
    type: 'string',
    enum: ['Waiting', 'Current', 'Passed'],
  }),
  maxConcurrent: Count,
  maxFailures: Count,
  soakSeconds: Type.Number(),
  soakEndsAt: SoakEnd,
  progressDeadlineSeconds: Type.Number(),
  before: Type.Array(GateView),
  after: Type.Array(GateView),
  counts: RolloutCounts,
  clusters: Type.Array(Type.Object(clusterOfRollout)),
})

const EtaView = Type.Object({
  typical: TimeOrNull,
  longest: TimeOrNull,
  uncounted: Type.Array(Type.String(), { description: 'what nobody can foretell' }),
})

const summary = {
  id: Type.String(),
  application: Type.String(),
  revision: Type.String(),
  contentDigest: Type.String(),
  version: Count,
  phase: Type.String({
    description:
      'Planned, Progressing, Paused, RollingBack, Succeeded, Failed, RolledBack, Aborted or Superseded',
  }),
  active: Type.Boolean(),
  wave: Count,
  waveName: Type.String(),
  waveCount: Count,
  message: Type.String(),
  waitingFor: Type.Array(Type.String()),
  trigger: Type.Object({ kind: Type.String(), actor: Type.String(), reason: Type.String() }),
  createdAt: Type.String(),
  startedAt: TextOrNull,
  finishedAt: TextOrNull,
  counts: RolloutCounts,
}

export const RolloutSummary = Type.Object(summary, {
  $id: 'RolloutSummary',
  description: 'A rollout, in counters.',
})
export const RolloutView = Type.Object(
  {
    ...summary,
    author: Type.Optional(
      Type.String({ description: 'who made the commit, as Git has it; not known of old ones' }),
    ),
    authors: Type.Optional(
      Type.Union([Type.Array(Type.String()), Type.Null()], {
        description:
          'where a gate asks for somebody else: who made the commits that it brings; null where nobody can tell',
      }),
    ),
    maxFailures: Count,
    onFailure: Type.String(),
    offline: Type.String(),
    supersede: Type.String(),
    eta: Type.Union([EtaView, Type.Null()], {
      description: 'when it will be done, by what rollouts took before; null: it does not move',
    }),
    waves: Type.Array(WaveView),
  },
  { $id: 'RolloutView', description: 'A rollout: its plan and where each cluster is.' },
)

export type RolloutCounts = Frozen<Static<typeof RolloutCounts>>
export type RolloutSummary = Frozen<Static<typeof RolloutSummary>>
export type RolloutClusterView = Frozen<Static<typeof RolloutClusterView>>
export type RolloutView = Frozen<Static<typeof RolloutView>>

export function summarizeRollout(record: RolloutRecord): RolloutSummary {
  const { plan, run, waitingFor } = record
  return {
    id: plan.id,
    application: plan.application,
    revision: plan.revision,
    contentDigest: plan.contentDigest,
    version: run.version,
    phase: run.phase,
    active: !finalPhases.has(run.phase),
    wave: run.wave,
    waveName: plan.waves[run.wave]?.name ?? '',
    waveCount: plan.waves.length,
    message: run.message,
    waitingFor: [...waitingFor],
    trigger: plan.trigger,
    createdAt: timestamp(plan.createdAt),
    startedAt: run.startedAt === null ? null : timestamp(run.startedAt),
    finishedAt: run.finishedAt === null ? null : timestamp(run.finishedAt),
    counts: countClusters(
      record,
      plan.waves.flatMap((wave) => wave.clusters),
    ),
  }
}

export function viewRollout(record: RolloutRecord): RolloutView {
  const { plan, run } = record
  return {
    ...summarizeRollout(record),
    ...(plan.author !== undefined && { author: plan.author }),
    ...(plan.authors !== undefined && { authors: plan.authors && [...plan.authors] }),
    maxFailures: plan.maxFailures,
    onFailure: plan.onFailure,
    offline: plan.offline,
    supersede: plan.supersede,
    eta: viewEta(record.eta ?? null),
    waves: plan.waves.map((wave, index) => ({
      index,
      name: wave.name,
      state: waveState(run, index),
      maxConcurrent: wave.maxConcurrent,
      maxFailures: wave.maxFailures,
      soakSeconds: wave.soak / 1_000,
      soakEndsAt: timeOrNull(endOfSoak(wave, run)),
      progressDeadlineSeconds: wave.progressDeadline / 1_000,
      before: viewGates(record, index, 'before'),
      after: viewGates(record, index, 'after'),
      counts: countClusters(record, wave.clusters),
      clusters: wave.clusters.map((name) => viewProgress(record, name, wave)),
    })),
  }
}

/** Each cluster of a rollout, wave by wave; looked at as it is read. */
export function* listRolloutClusters(record: RolloutRecord): Generator<RolloutClusterView> {
  for (const [index, wave] of record.plan.waves.entries()) {
    for (const name of wave.clusters) yield { wave: index, ...viewProgress(record, name, wave) }
  }
}

function viewProgress(
  { plan, run }: RolloutRecord,
  name: string,
  wave: PlannedWave,
): Omit<RolloutClusterView, 'wave'> {
  const target = plan.targets[name]
  const progress = run.clusters[name] ?? { state: 'Pending' as const }
  return {
    name,
    state: progress.state,
    outcome: 'outcome' in progress ? progress.outcome : null,
    message: messageOf(progress),
    digest: target?.digest ?? null,
    previousDigest: target?.previous?.digest ?? null,
    previousRevision: target?.previous?.revision ?? null,
    soakEndsAt: progress.state === 'Soaking' ? timestamp(progress.healthySince + wave.soak) : null,
  }
}

function messageOf(progress: ClusterProgress): string {
  if (progress.state === 'Done') return progress.message
  if (progress.state !== 'Reverted' || progress.unconfirmed === undefined) return ''
  return `it did not confirm that it went back: ${progress.unconfirmed}`
}

function viewEta(eta: Eta | null): RolloutView['eta'] {
  if (!eta) return null
  return { ...eta, typical: timeOrNull(eta.typical), longest: timeOrNull(eta.longest) }
}

/** Milliseconds → RFC 3339 in UTC. */
export function timestamp(at: number): string {
  return new Date(at).toISOString()
}

function timeOrNull(at: number | null): string | null {
  return at === null ? null : timestamp(at)
}

function waveState(run: RolloutRun, index: number): 'Waiting' | 'Current' | 'Passed' {
  if (index < run.wave || run.phase === 'Succeeded') return 'Passed'
  return index === run.wave && run.phase !== 'Planned' ? 'Current' : 'Waiting'
}

function viewGates(
  { plan, run }: Pick<RolloutRecord, 'plan' | 'run'>,
  index: number,
  side: GateSide,
): Static<typeof GateView>[] {
  const gates = plan.waves[index]![side]
  const isReached = run.wave === index && currentSide(plan, run) === side
  const given = run.approvals.filter((one) => one.wave === index && one.gate === side)
  const slots = gates.flatMap((gate) =>
    gate.kind === 'approval' ? Array<string>(gate.count ?? 1).fill(gate.role) : [],
  )
  const dealt = dealApprovals(slots, given)
  return gates.map((gate, at) => {
    const base = { kind: gate.kind, name: nameGate(gate), soakEndsAt: null }
    if (gate.kind === 'approval') {
      const mine = dealt.splice(0, gate.count ?? 1).filter((actor) => actor !== null)
      const missing = (gate.count ?? 1) - mine.length
      return {
        ...base,
        state: missing === 0 ? 'passed' : isReached ? 'waiting' : 'pending',
        message: missing > 0 && mine.length > 0 ? `${missing} more wanted` : '',
        role: gate.role,
        approvedBy: mine.length === 0 ? null : mine.join(', '),
      }
    }
    const state = run.gates[gateKey(index, side, at)]
    const { message = '' } = state ?? {}
    const soaks = gate.kind === 'soak' && state?.state === 'waiting'
    const soakEndsAt = soaks ? timestamp(state.since + gate.duration) : null
    const found = { ...base, state: state?.state ?? ('pending' as const), message, soakEndsAt }
    return { ...found, role: null, approvedBy: null }
  })
}

function countClusters({ run }: RolloutRecord, names: readonly string[]): RolloutCounts {
  const counts = {
    total: names.length,
    pending: 0,
    inFlight: 0,
    succeeded: 0,
    failed: 0,
    timedOut: 0,
    unreachable: 0,
    vetoed: 0,
    skipped: 0,
    reverted: 0,
  }
  for (const name of names) counts[counterOf(run.clusters[name])]++
  return counts
}

function counterOf(progress: ClusterProgress | undefined): Exclude<keyof RolloutCounts, 'total'> {
  if (progress === undefined) return 'pending'
  switch (progress.state) {
    case 'Pending':
      return 'pending'
    case 'Offered':
    case 'Soaking':
    case 'Reverting':
      return 'inFlight'
    case 'Reverted':
      return 'reverted'
    case 'Done':
      switch (progress.outcome) {
        case 'Succeeded':
          return 'succeeded'
        case 'Failed':
          return 'failed'
        case 'TimedOut':
          return 'timedOut'
        case 'Unreachable':
          return 'unreachable'
        case 'Vetoed':
          return 'vetoed'
        case 'Skipped':
          return 'skipped'
      }
  }
}
