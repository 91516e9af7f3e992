import type { TimeBound } from '@groundswell/proto/cel.ts'
import type { Digest } from '@groundswell/proto/digest.ts'
import type { Clock } from '../cluster/clock.ts'
import type { Cluster } from '../cluster/port.ts'
import { createCoalescer } from '../observe/coalesce.ts'
import { createHealthJudge } from '../observe/health-judge.ts'
import { createObserver } from '../observe/observer.ts'
import type { ApplicationState, ObjectDrift } from '../observe/status.ts'
import type { Applied } from '../receipts.ts'
import type { KeyStore } from '../secrets/keys.ts'
import { createOpenObject } from '../secrets/open.ts'
import { createPrepareObject } from '../secrets/prepare.ts'
import { createReferences, type ReferencesDeps } from '../secrets/references.ts'
import type { VerifiedSnapshot } from '../trust/verified.ts'
import { clusterOf } from './track/account.ts'
import { forEachBounded } from './run/bounded.ts'
import { type Claims, createClaims } from './inventory/claims.ts'
import { changedBy } from './track/contested.ts'
import { heldState } from './track/hold-back.ts'
import { accountIn } from './inventory/inventory.ts'
import { createInventoryStore } from './inventory/inventory-store.ts'
import { watchEarly } from './track/early-watches.ts'
import { loadInventories } from './inventory/load-inventories.ts'
import { appliedBy, describeOvertaken } from './inventory/overtaken.ts'
import { type AgentIds, fieldManager, marks, ownerOf } from './inventory/ownership.ts'
import { createLabelledLook } from './prune/labelled.ts'
import { recallObject } from './write/recall.ts'
import { createRepairLimit } from './track/repair-limit.ts'
import { createRotation, type RotationDeps } from './track/rotation.ts'
import { createRoster } from './track/roster.ts'
import { createRuns } from './run/runs.ts'
import { keptBy, stateOf, type Tracked } from './track/tracked.ts'

export interface WorkloadsDeps extends AgentIds {
  readonly cluster: Cluster
  readonly clock: Clock
  /** Keys to Secrets that are encrypted in Git. */
  readonly keys: KeyStore
  /** Where Secrets that refer to a Vault get their values; without it they are refused. */
  readonly references?: ReferencesDeps & Pick<RotationDeps, 'interval'>
  /** Breaks off expressions that take too long. */
  readonly within: TimeBound
  /** Uniform in [0, 1); spreads retries. */
  readonly random: () => number
  readonly log: (message: string, fields: Record<string, unknown>) => void
  /** Applications whose state changed: the first at once, then gathered for 150 ms; a run's end at once. */
  readonly onChange: (states: readonly ApplicationState[]) => void
  /** Of hashes of Secrets in inventories; without it they have none. */
  readonly salt?: Uint8Array
  /** What a run came to, well or not. */
  readonly onApplied?: (applied: Applied) => void
  /**
   * Whether a signer has said since the start that nothing newer than the snapshot is known; always when left
   * out. Until then an agent may have come back with a memory that is older than what it has applied.
   */
  readonly isVouched?: () => boolean
  /** Whether somebody at the cluster has the application's updates wait. */
  readonly isHeld?: (application: string) => boolean
}

export interface Workloads {
  /**
   * Brings the cluster to a snapshot: resolves when each application was tried once. Failures are
   * tried again in the background. A newer call, or the signal, stops it between two writes.
   * Updates of what is on hold are left for a later call; `earlier` has what to heal meanwhile.
   */
  reconcile(
    snapshot: VerifiedSnapshot,
    signal: AbortSignal,
    earlier?: readonly VerifiedSnapshot[],
  ): Promise<void>
  states(): ApplicationState[]
  /**
   * Manifests that are healed though the snapshot asks for others, since those are on hold, or that have
   * something to run for a removal. It is known when all of the newest snapshot was taken up.
   */
  kept(): Promise<Set<Digest>>
  /** Stops watching and repairing; returns when the last write has ended. */
  close(): Promise<void>
}

const applicationsAtOnce = 4
/** Four reports in the first second of a storm, and fewer after; of a run that is over at once, its end. */
const gather = { beginMs: 50, windowMs: 150, longestMs: 400 } as const

/** Everything the agent keeps running on its cluster. */
export function createWorkloads(deps: WorkloadsDeps): Workloads {
  const { cluster, clusterId, clock, log } = deps
  const life = new AbortController()
  const sent = new Map<string, string>()
  const inventories = createInventoryStore(cluster, () => reconciled && appliedBy(reconciled))
  const limit = createRepairLimit()
  const references = createReferences(deps.references ?? { vault: undefined })
  const open = createPrepareObject(createOpenObject(deps.keys), references)
  let round = new AbortController()
  let reconciled: VerifiedSnapshot | undefined
  /** Of the newest: when it is known what runs, and what is to go. */
  let taken: Promise<unknown> = Promise.resolve()
  let claims: Claims = createClaims([], () => false)

  const news = createCoalescer(report, gather, clock, life.signal)
  const { changed } = news
  const roster = createRoster({ inventories, log, news, isHeld: deps.isHeld })
  const observer = createObserver(
    {
      cluster,
      clock,
      manager: fieldManager,
      label: marks.application,
      judge: createHealthJudge(deps.within),
      salt: deps.salt,
      ownerOf,
      clusterOf(application) {
        const wanted = roster.get(application)?.wanted
        return wanted?.state === 'present' ? clusterOf(cluster, wanted.manifest) : cluster
      },
      async recall(application, id, signal) {
        const one = roster.get(application)
        if (one?.wanted.state !== 'present') return undefined
        const mine = clusterOf(cluster, one.wanted.manifest)
        return recallObject(
          one.wanted,
          id,
          one.inventory,
          { cluster: mine, clusterId, open },
          signal,
        )
      },
      onChange: changed,
      onEnd: (application) => {
        const one = roster.get(application)
        if (one?.wanted.state === 'present') runs.noteSeen(one)
      },
      onFault: (kind, error) => log('watch event not understood', { kind, error }),
      onDrift: (application, id) => {
        const one = roster.get(application)
        if (!one || one.wanted.state !== 'present' || one.wanted.manifest.drift === 'ignore') return
        const drift = observer.driftOf(id)
        if (!drift) return
        one.unreported.set(id, drift)
        changed(application)
        runs.wakeForDrift(one, drift)
        if (drift.missing && one.wanted.manifest.drift === 'report') runs.noteSeen(one)
      },
    },
    life.signal,
  )
  const rotation = createRotation(
    {
      ...{ references, clock, random: deps.random, interval: deps.references?.interval },
      applications: () => roster.all(),
      onRotated: (name) => {
        const one = roster.get(name)
        if (one) runs.wake(one, 0)
      },
      onFault: changed,
      onEnd: (error) => log('Vault is looked at no more', { error }),
    },
    life.signal,
  )
  const left = createLabelledLook(cluster, () =>
    [...roster.all()]
      .filter(({ wanted: { state }, settled }) => state === 'removed' && !settled)
      .filter(({ inventory }) => (inventory?.size ?? 0) === 0)
      .map(({ name }) => name),
  )
  const runs = createRuns(
    {
      ...deps,
      isRotated: rotation.isRotated,
      ...{ observer, inventories, open, limit, news, find: roster.get },
      claims: () => claims,
      labelled: left.find,
      whyOvertaken: () => {
        if (!reconciled || deps.isVouched?.() !== false) return undefined
        return describeOvertaken(inventories.latest(), appliedBy(reconciled))
      },
      reconciled: () => reconciled,
      round: () => round.signal,
    },
    life.signal,
  )

  function isContested(drift: ObjectDrift): boolean {
    return limit.isContested(drift.object, changedBy(drift), clock.now())
  }

  const stateNow = (one: Tracked) => stateOf(one, observer, isContested, rotation.faults(one.name))

  function report(names: ReadonlySet<string>): void {
    const states: ApplicationState[] = []
    for (const name of names) {
      const one = roster.get(name)
      const waiting = roster.untouched(name)
      if (!one && !waiting) continue
      const state = one ? stateNow(one) : heldState(waiting!)
      // Once shown, a repaired drift is over: the next report leaves it out.
      const repaired = one !== undefined && one.unreported.size > 0
      one?.unreported.clear()
      if (repaired) changed(name)
      const text = JSON.stringify(state)
      if (sent.get(name) === text) continue
      sent.set(name, text)
      states.push(state)
    }
    if (states.length > 0) deps.onChange(states)
  }

  return {
    async reconcile(snapshot, caller, earlier = []) {
      round.abort()
      round = new AbortController()
      reconciled = snapshot
      left.forget()
      const signal = AbortSignal.any([caller, round.signal, life.signal])
      const taking = roster.take(snapshot, earlier, signal)
      taken = Promise.allSettled([taking])
      const ones = await taking
      for (const name of roster.forgetRemoved(new Set(ones))) sent.delete(name)
      await loadInventories(ones, { inventories, observer, onFault: roster.unread }, signal)
      // What waits may claim too: an object that moves to it must not be deleted meanwhile.
      claims = createClaims(
        [...snapshot.applications, ...ones.filter(({ held }) => held).map(({ wanted }) => wanted)],
        (name, id) => (roster.get(name)?.inventory?.get(id)?.digest ?? '') !== '',
      )
      const due = ones.filter(({ settled }) => !settled)
      void watchEarly(due, { cluster, observer }, signal)
      const attempt = (one: Tracked) => runs.process(one, signal)
      const isPresent = ({ wanted }: Tracked) => wanted.state === 'present'
      await forEachBounded(due.filter(isPresent), applicationsAtOnce, signal, attempt)
      // Removals last: what moves to another application was taken over by then.
      const removals = due.filter((one) => !isPresent(one))
      // Those in the name of a ServiceAccount first: another may take its rights away.
      const inNames = removals.filter(({ inventory }) => accountIn(inventory) !== undefined)
      await forEachBounded(inNames, applicationsAtOnce, signal, attempt)
      const others = removals.filter((one) => !inNames.includes(one))
      await forEachBounded(others, applicationsAtOnce, signal, attempt)
      // A repair that the new snapshot cut short is taken up again.
      if (!signal.aborted) for (const one of ones) if (one.settled) runs.wakeForDrift(one)
    },
    states: () => [
      ...[...roster.all()].map(stateNow),
      ...[...roster.allUntouched()].map(heldState),
    ],
    async kept() {
      await taken
      return keptBy(roster.all())
    },
    async close() {
      life.abort()
      await Promise.all([...roster.all()].map(({ turn }) => turn))
    },
  }
}
