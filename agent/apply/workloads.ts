import type { TimeBound } from '@groundswell/proto/cel.ts'
import type { Digest } from '@groundswell/proto/digest.ts'
import type { Clock } from '../cluster/clock.ts'
import type { Cluster } from '../cluster/port.ts'
import { createCoalescer } from '../observe/coalesce.ts'
import { createHealthJudge } from '../observe/health-judge.ts'
import { createObserver } from '../observe/observer.ts'
import type { ApplicationState, ObjectDrift } from '../observe/status.ts'
import type { KeyStore } from '../secrets/keys.ts'
import { createOpenObject } from '../secrets/open.ts'
import { createPrepareObject } from '../secrets/prepare.ts'
import { createReferences, type ReferencesDeps } from '../secrets/references.ts'
import type { VerifiedApplication, VerifiedSnapshot } from '../trust/verified.ts'
import type { Applied } from '../receipts.ts'
import { actFor } from './account.ts'
import { toApplied } from './applied.ts'
import { forEachBounded } from './bounded.ts'
import { type Claims, createClaims } from './claims.ts'
import { findRunning, heldState, isUpdate } from './hold-back.ts'
import { createInventoryStore } from './inventory-store.ts'
import { loadInventories } from './load-inventories.ts'
import { toObjectError } from './object-error.ts'
import { fieldManager, marks, ownerOf } from './ownership.ts'
import { createDependencies } from './dependencies.ts'
import { recallObject } from './recall.ts'
import { createRepairLimit } from './repair-limit.ts'
import { removeApplication } from './remove.ts'
import { createRotation, type RotationDeps } from './rotation.ts'
import { applyApplication } from './run.ts'
import { changedBy } from './contested.ts'
import { asksAnew, createTracked, stateOf, type Tracked, keptBy } from './tracked.ts'

export interface WorkloadsDeps {
  readonly cluster: Cluster
  /** Id of this cluster's record at the hub. */
  readonly clusterId: string
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
  /** Applications whose state changed: the first at once, then gathered for 150 ms. */
  readonly onChange: (states: readonly ApplicationState[]) => void
  /** Of hashes of Secrets in inventories; without it they have none. */
  readonly salt?: Uint8Array
  /** What a run came to, well or not. */
  readonly onApplied?: (applied: Applied) => void
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
  /** Manifests that are healed though the snapshot asks for others, since those are on hold. */
  kept(): Set<Digest>
  /** Stops watching and repairing; returns when the last write has ended. */
  close(): Promise<void>
}

const applicationsAtOnce = 4
/** Four reports in the first second of a storm, and fewer after. */
const gather = { windowMs: 150, longestMs: 400 } as const
/** What is waited for is looked at again after this; what takes more than a minute, less often. */
const wait = { firstMs: 500, rounds: 120, laterMs: 2_000 } as const
const retry = { firstMs: 2_000, lastMs: 60_000 } as const

/** Everything the agent keeps running on its cluster. */
export function createWorkloads(deps: WorkloadsDeps): Workloads {
  const { cluster, clusterId, clock, random, log } = deps
  const life = new AbortController()
  const tracked = new Map<string, Tracked>()
  /** On hold, with nothing at hand that could be healed. */
  const untouched = new Map<string, VerifiedApplication>()
  const sent = new Map<string, string>()
  const inventories = createInventoryStore(cluster)
  const limit = createRepairLimit()
  const references = createReferences(deps.references ?? { vault: undefined })
  const open = createPrepareObject(createOpenObject(deps.keys), references)
  let round = new AbortController()
  let reconciled: VerifiedSnapshot | undefined
  let claims: Claims = createClaims([], () => false)

  const changed = createCoalescer(report, gather, clock, life.signal)
  const observer = createObserver(
    {
      cluster,
      clock,
      manager: fieldManager,
      label: marks.application,
      judge: createHealthJudge(deps.within),
      salt: deps.salt,
      ownerOf,
      async recall(application, id, signal) {
        const one = tracked.get(application)
        if (one?.wanted.state !== 'present') return undefined
        return recallObject(one.wanted, id, one.inventory, { cluster, clusterId, open }, signal)
      },
      onChange: changed,
      onFault: (kind, error) => log('watch event not understood', { kind, error }),
      onDrift: (application, id) => {
        const one = tracked.get(application)
        if (!one || one.wanted.state !== 'present' || one.wanted.manifest.drift === 'ignore') return
        const drift = observer.driftOf(id)
        if (!drift) return
        one.unreported.set(id, drift)
        changed(application)
        if (one.wanted.manifest.drift === 'correct') wake(one, waitFor(drift))
      },
    },
    life.signal,
  )

  /** Milliseconds until drift may be put right. */
  function waitFor(drift: ObjectDrift): number {
    return limit.wait(drift.object, changedBy(drift), clock.now())
  }

  function isContested(drift: ObjectDrift): boolean {
    return limit.isContested(drift.object, changedBy(drift), clock.now())
  }

  const dependencies = createDependencies(observer, deps.within)
  const rotation = createRotation(
    {
      ...{ references, clock, random, interval: deps.references?.interval },
      applications: () => tracked.values(),
      onRotated: (name) => wake(tracked.get(name)!, 0),
      onFault: changed,
      onEnd: (error) => log('Vault is looked at no more', { error }),
    },
    life.signal,
  )
  const stateNow = (one: Tracked) => stateOf(one, observer, isContested, rotation.faults(one.name))

  function report(names: ReadonlySet<string>): void {
    const states: ApplicationState[] = []
    for (const name of names) {
      const one = tracked.get(name)
      const waiting = untouched.get(name)
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

  /** Runs an application again after `ms`; the earlier of two calls counts. */
  function wake(one: Tracked, ms: number): void {
    const at = clock.now() + ms
    if (one.wakeAt !== undefined && one.wakeAt <= at) return
    one.wakeAt = at
    const run = async () => {
      if (ms > 0) await clock.sleep(ms, life.signal)
      if (one.wakeAt !== at || life.signal.aborted) return
      one.wakeAt = undefined
      await process(one, round.signal)
    }
    run().catch((error: unknown) => {
      if (!life.signal.aborted) log('reconcile failed', { application: one.name, error })
    })
  }

  /** One run of one application, after the run before. */
  function process(one: Tracked, signal: AbortSignal): Promise<void> {
    const run = async () => {
      if (signal.aborted || life.signal.aborted) return
      await runOnce(one, AbortSignal.any([signal, life.signal]))
    }
    one.turn = one.turn.then(run)
    return one.turn
  }

  async function runOnce(one: Tracked, signal: AbortSignal): Promise<void> {
    const { wanted } = one
    // A retry goes on being shown as failed, so that a report does not flicker.
    if (one.phase === 'Pending') {
      one.phase = 'Applying'
      changed(one.name)
    }
    try {
      const inventory = (one.inventory ??= await inventories.load(one.name, signal))
      const against = new Map<string, string>()
      const mayRepair = (id: string) => {
        if (wanted.state !== 'present' || wanted.manifest.drift !== 'correct') return false
        const drift = observer.driftOf(id)
        if (drift && waitFor(drift) > 0) return false
        against.set(id, drift ? changedBy(drift) : '')
        return true
      }
      const mine = { cluster: actFor(wanted, cluster), inventories, claims, open }
      const shared = { ...mine, clusterId, clock, observer, salt: deps.salt }
      const waited = (what: string) => {
        const since = one.waits.get(what) ?? clock.now()
        one.waits.set(what, since)
        return clock.now() - since
      }
      const blocked = dependencies.whyBlocked(one, (name) => tracked.get(name))
      const { isRotated } = rotation
      const run = { ...shared, ...{ inventory, mayRepair, blocked, waited, isRotated } }
      const result =
        wanted.state === 'present'
          ? await applyApplication(wanted, run, signal)
          : await removeApplication(wanted, run, signal)
      one.inventory = result.inventory
      one.healed += result.repaired.length
      for (const id of result.repaired) limit.note(id, against.get(id) ?? '', clock.now())
      // A newer snapshot may have come as this run ended; then this says nothing of it.
      if (!result.finished || one.wanted !== wanted) return
      finish(one, wanted, result.errors, result.waiting)
      if (reconciled && result.waiting.length === 0 && !one.held) {
        const versionOf = (id: string) => observer.live(id)?.resourceVersion ?? ''
        deps.onApplied?.(toApplied(wanted, reconciled, result, versionOf))
      }
    } catch (error) {
      // What was written before the break is in the cluster's copy, or will be written again.
      one.inventory = undefined
      if (!signal.aborted && one.wanted === wanted)
        finish(one, wanted, [toObjectError('', '', error)], [])
    }
  }

  function finish(
    one: Tracked,
    wanted: VerifiedApplication,
    errors: Tracked['errors'],
    waiting: readonly string[],
  ): void {
    one.errors = errors
    one.waiting = waiting
    if (errors.length === 0 && waiting.length > 0) {
      one.phase = 'Applying'
      one.settled = false
      changed(one.name)
      one.waitRounds += 1
      wake(one, one.waitRounds > wait.rounds ? wait.laterMs : wait.firstMs)
      return
    }
    one.waitRounds = 0
    if (errors.length === 0) one.waits.clear()
    one.settled = errors.length === 0
    one.phase = errors.length > 0 ? 'Failed' : wanted.state === 'present' ? 'Applied' : 'Removed'
    one.failures = one.settled ? 0 : one.failures + 1
    changed(one.name)
    if (!one.settled) {
      const ceiling = Math.min(retry.lastMs, retry.firstMs * 2 ** Math.min(one.failures - 1, 10))
      wake(one, ceiling * (0.5 + random() / 2))
    } else wakeForDrift(one, wanted)
  }

  /** What drifted while a run was on, or waits for its turn under the limit. */
  function wakeForDrift(one: Tracked, wanted: VerifiedApplication): void {
    if (wanted.state !== 'present' || wanted.manifest.drift !== 'correct') return
    const waits = observer.drift(one.name).map(waitFor)
    if (waits.length > 0) wake(one, Math.min(...waits))
  }

  function adopt(wanted: VerifiedApplication): Tracked {
    const known = tracked.get(wanted.name)
    if (!known) {
      const one = createTracked(wanted)
      tracked.set(wanted.name, one)
      return one
    }
    if (asksAnew(known, wanted)) {
      known.phase = 'Pending'
      known.settled = false
      known.failures = 0
      known.errors = []
      known.waiting = []
      known.waits.clear()
    }
    known.wanted = wanted
    changed(wanted.name)
    return known
  }

  /** Takes an application up, unless a hold keeps it as it is. Undefined: it is left untouched. */
  async function admit(
    wanted: VerifiedApplication,
    earlier: readonly VerifiedSnapshot[],
    signal: AbortSignal,
  ): Promise<Tracked | undefined> {
    const { name } = wanted
    const known = tracked.get(name)
    untouched.delete(name)
    if (known) known.held = undefined
    if (deps.isHeld?.(name) !== true) return adopt(wanted)
    const runs = known?.wanted ?? (await findKept(wanted, earlier, signal))
    if (!runs) {
      untouched.set(name, wanted)
      changed(name)
      return undefined
    }
    if (!isUpdate(runs, wanted)) return adopt(wanted)
    const one = known ?? adopt(runs)
    one.held = wanted
    changed(name)
    return one
  }

  function unread(application: string, error: unknown): void {
    log('inventory not read', { application, error })
  }

  async function findKept(
    wanted: VerifiedApplication,
    earlier: readonly VerifiedSnapshot[],
    signal: AbortSignal,
  ): Promise<VerifiedApplication | undefined> {
    try {
      return findRunning(wanted, earlier, await inventories.load(wanted.name, signal))
    } catch (error) {
      if (!signal.aborted) unread(wanted.name, error)
      return undefined
    }
  }

  return {
    async reconcile(snapshot, caller, earlier = []) {
      round.abort()
      round = new AbortController()
      reconciled = snapshot
      const signal = AbortSignal.any([caller, round.signal, life.signal])
      untouched.clear()
      const ones: Tracked[] = []
      for (const wanted of snapshot.applications) {
        const one = await admit(wanted, earlier, signal)
        if (one) ones.push(one)
      }
      const listed = new Set(ones)
      // A removal that was carried out and is no longer asked for is history.
      for (const one of tracked.values()) {
        if (!listed.has(one) && one.phase === 'Removed') {
          tracked.delete(one.name)
          sent.delete(one.name)
        }
      }
      await loadInventories(ones, { inventories, observer, onFault: unread }, signal)
      // What waits may claim too: an object that moves to it must not be deleted meanwhile.
      claims = createClaims(
        [...snapshot.applications, ...ones.filter(({ held }) => held).map(({ wanted }) => wanted)],
        (name, id) => (tracked.get(name)?.inventory?.get(id)?.digest ?? '') !== '',
      )
      const open = ones.filter(({ settled }) => !settled)
      const attempt = (one: Tracked) => process(one, signal)
      const isPresent = ({ wanted }: Tracked) => wanted.state === 'present'
      await forEachBounded(open.filter(isPresent), applicationsAtOnce, signal, attempt)
      // Removals last: what moves to another application was taken over by then.
      const removals = open.filter((one) => !isPresent(one))
      await forEachBounded(removals, applicationsAtOnce, signal, attempt)
      // A repair that the new snapshot cut short is taken up again.
      if (!signal.aborted) for (const one of ones) if (one.settled) wakeForDrift(one, one.wanted)
    },
    states: () => [
      ...[...tracked.values()].map(stateNow),
      ...[...untouched.values()].map(heldState),
    ],
    kept: () => keptBy(tracked.values()),
    async close() {
      life.abort()
      await Promise.all([...tracked.values()].map(({ turn }) => turn))
    },
  }
}
