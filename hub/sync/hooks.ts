import type { Digest } from '@groundswell/proto/digest.ts'
import type { Equivocation } from '../bundle/equivocation.ts'
import { HubError } from '../errors.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { LedgerState } from '../ledger/replay.ts'
import type { Rollouts } from '../rollout/advance/advance.ts'
import { activeRollouts } from '../rollout/decide/admission.ts'
import { createLooks } from '../rollout/advance/looks.ts'
import { isInFlight } from '../rollout/step/outcome.ts'
import type { Assignment } from '../rollout/rollout.ts'
import {
  foldEquivocation,
  foldHello,
  foldStream,
  foldReport,
  foldVerdict,
  foldWitness,
} from '../status/fold.ts'
import type { ClusterStatus } from '../status/status.ts'
import type { Statuses } from '../status/statuses.ts'
import type { Restraint } from './ahead.ts'
import type { SyncListenerDeps } from './grpc.ts'
import type { Session } from './session.ts'

export interface HooksDeps {
  readonly statuses: Statuses
  readonly rollouts: Pick<Rollouts, 'notice'>
  readonly state: LedgerState
  readonly redecide: () => Promise<void>
  /** By cluster name; what views tell of lag. */
  readonly offered: Map<string, { sequence: number; at: number }>
  readonly replica: string
  /** Of a line of the ledger, while it is at hand. */
  readonly digestAt: (index: number) => Digest | undefined
  /** The index of its last line. */
  readonly head: () => number
  /** What is kept from clusters that know more than this hub. */
  readonly restraint: Restraint
  /** Whether what an agent says it runs may change what it is offered. */
  readonly isKeptFrom?: (cluster: string) => boolean
  readonly countReport: () => void
  readonly clock: () => number
  /** Calls back after `ms`; given in, so that tests own time. */
  readonly later: (ms: number, run: () => void) => void
}

const heartbeatSeconds = 20
/** Agents that may come back in one second, when all must. */
const reconnectsPerSecond = 500
/** What a session hears, told to statuses and rollouts; and what those want, told to sessions. */
export function createSyncHooks(deps: HooksDeps) {
  const { statuses, clock } = deps
  const sessions = new Map<string, Session>()
  /** Whose agents have told in this stream of all that they run. */
  const toldAll = new Set<string>()

  const noticeRollouts = createLooks({
    look: (application) => deps.rollouts.notice(application),
    inFlight: (application) => countInFlight(deps.state, application),
    clock,
    later: deps.later,
  })
  // After an outage all agents come back at once, and deciding looks at all of them each time: what
  // they missed is decided together as long as others are still on their way.
  const redecide = createLooks({
    look: deps.redecide,
    inFlight: () => deps.state.assignments.size - sessions.size,
    clock,
    later: deps.later,
  })

  const session: Pick<
    SyncListenerDeps,
    | 'onConnected'
    | 'onDisconnected'
    | 'onHello'
    | 'onReport'
    | 'onVerdict'
    | 'onTooOld'
    | 'onHeartbeat'
    | 'onOffered'
    | 'heartbeatSeconds'
    | 'reconnectWindowSeconds'
  > = {
    heartbeatSeconds,
    reconnectWindowSeconds: () => Math.ceil(sessions.size / reconnectsPerSecond),
    onConnected: ({ cluster }, opened) => {
      sessions.set(cluster, opened)
    },
    onDisconnected: ({ cluster }, ended) => {
      if (sessions.get(cluster) !== ended) return
      sessions.delete(cluster)
      statuses.update(cluster, (status) => ({
        ...status,
        connection: { state: 'Disconnected', since: clock() },
      }))
    },
    onHello: (cluster, hello, replica = deps.replica) => {
      deps.restraint.greet(cluster)
      toldAll.delete(cluster)
      if (Number(hello.witnessed?.index ?? 0n) > deps.head()) deps.restraint.suspect(cluster)
      statuses.update(cluster, (status) => {
        const told = foldWitness(status, hello.witnessed, deps.digestAt)
        return foldStream(foldHello(told, hello, clock()), replica, clock())
      })
    },
    onReport: (cluster, report) => {
      deps.countReport()
      statuses.update(cluster, (status) => foldReport(status, report, clock()))
      if (report.complete) toldAll.add(cluster)
      // What changed between its hello and our welcome comes before all that it runs; and one that has just started
      // has nothing to tell before it has opened its snapshot, and tells of changes from then on.
      const isKnown = toldAll.has(cluster) && report.sequence > 0n
      const isAwaited = isKnown && deps.restraint.hear(cluster)
      if (isAwaited || deps.restraint.isWatched(cluster) || deps.isKeptFrom?.(cluster)) {
        sessions.get(cluster)?.notice()
      }
    },
    onVerdict: (cluster, verdict) =>
      statuses.update(cluster, (status) => foldVerdict(status, verdict, clock())),
    onTooOld: (cluster, message) => {
      if (statuses.get(cluster).refusal?.message === message) return
      statuses.update(cluster, (status) => ({
        ...status,
        refusal: { code: 'agent_too_old', message },
      }))
    },
    onHeartbeat: (cluster) =>
      statuses.update(cluster, (status) => ({ ...status, lastSeen: clock() })),
    onOffered: (cluster, sequence) => {
      deps.offered.set(cluster, { sequence, at: clock() })
      // A refusal was of the offer before this one.
      if (statuses.get(cluster).refusal) {
        statuses.update(cluster, (status) => ({ ...status, refusal: null }))
      }
    },
  }

  /** Rollouts look again at what changed; a cluster that came back may have missed something. */
  function onStatus(next: ClusterStatus, before: ClusterStatus): void {
    const mine = deps.state.assignments.get(next.cluster)
    const holdsChanged = !isSameHolds(next.holds, before.holds)
    if (
      next.connection.state !== before.connection.state ||
      next.refusal !== before.refusal ||
      holdsChanged
    ) {
      noticeRollouts(new Set([...(mine?.keys() ?? []), ...activeOn(deps.state, next.cluster)]))
      if (next.connection.state === 'Connected') redecide(['all'])
      return
    }
    if (next.applications === before.applications) return
    noticeRollouts(
      Object.keys(next.applications).filter(
        (name) => next.applications[name] !== before.applications[name],
      ),
    )
  }

  const unsigned = new Set<string>()

  return {
    session,
    /** The signer's word lives until then. */
    /** Its agent has proved that two things were signed for one sequence. */
    onEquivocation: (cluster: string, found: Equivocation): void =>
      statuses.update(cluster, (status) => foldEquivocation(status, found, clock())),
    onFreshness: (cluster: string, freshUntil: number): void =>
      statuses.update(cluster, (status) => ({ ...status, freshUntil })),
    /**
     * A refusal by the signer is told like one by the agent; null when it has signed since. One that
     * is away refuses nothing: it is asked again, and no cluster counts as failed for it.
     */
    onSignRefused(cluster: string, refusal: HubError | null): void {
      if (refusal) unsigned.add(cluster)
      else unsigned.delete(cluster)
      if (refusal?.code === 'signer_unavailable') return
      const told = refusal && { code: refusal.code, message: refusal.message }
      if (statuses.get(cluster).refusal?.message === told?.message) return
      statuses.update(cluster, (status) => ({ ...status, refusal: told }))
    },
    /** Asks the signer again for what it refused: something may have been attested since. */
    retryUnsigned(): void {
      for (const cluster of unsigned) sessions.get(cluster)?.notice()
    },
    onStatus,
    countConnected: () => sessions.size,
    /** @throws HubError `conflict` when the cluster is not connected */
    async dryRun(...[cluster, asked, signal]: [string, ...Parameters<Session['dryRun']>]) {
      const open = sessions.get(cluster)
      if (!open) throw new HubError('conflict', `cluster ${cluster} is not connected`)
      return open.dryRun(asked, signal)
    },
    /** Something this cluster should run may have changed. */
    notice: (cluster: string) => sessions.get(cluster)?.notice(),
    /** Any of them may have something to be offered. */
    noticeAll(): void {
      for (const open of sessions.values()) open.notice()
    },
    countRestrained: () => deps.restraint.list().length,
    /** Git was read and decided on: what is kept from clusters may be offered now. */
    noticeRestrained(): void {
      for (const cluster of deps.restraint.list()) sessions.get(cluster)?.notice()
    },
    /** What a snapshot may list: nothing for a cluster that Git no longer declares. */
    assignmentsOf(cluster: string, fleet: Fleet | null): readonly Assignment[] {
      if (!fleet?.clusters.has(cluster)) return []
      return [...(deps.state.assignments.get(cluster)?.values() ?? [])]
    },
    /** Writes statuses again after Redis was emptied, and lets sessions look at their snapshots. */
    async writeAgain(): Promise<void> {
      await statuses.saveAll()
      for (const open of sessions.values()) open.notice()
    },
  }
}

export type SyncHooks = ReturnType<typeof createSyncHooks>

/** Most reports say again what was said: nothing is on hold. */
function isSameHolds(next: ClusterStatus['holds'], before: ClusterStatus['holds']): boolean {
  if (!next?.length && !before?.length) return (next === undefined) === (before === undefined)
  return JSON.stringify(next) === JSON.stringify(before)
}

function activeOn(state: LedgerState, cluster: string): string[] {
  return [...state.plans.values()]
    .filter((plan) => plan.targets[cluster] && state.runs.get(plan.id)?.finishedAt === null)
    .map(({ application }) => application)
}

function countInFlight(state: LedgerState, application: string): number {
  let count = 0
  for (const id of activeRollouts(state, application)) {
    for (const progress of Object.values(state.runs.get(id)!.clusters)) {
      if (isInFlight(progress) || progress.state === 'Reverting') count += 1
    }
  }
  return count
}
