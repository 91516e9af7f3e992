import type { TimeBound } from '@groundswell/proto/cel.ts'
import type { Clock } from '../../cluster/clock.ts'
import type { Cluster } from '../../cluster/port.ts'
import type { Coalescer } from '../../observe/coalesce.ts'
import { AgentError } from '../../errors.ts'
import type { Observer } from '../../observe/observer.ts'
import type { ObjectDrift, ObjectError } from '../../observe/status.ts'
import type { Applied } from '../../receipts.ts'
import type { PrepareObject } from '../../secrets/prepare.ts'
import type { VerifiedApplication, VerifiedSnapshot } from '../../trust/verified.ts'
import { clusterOf } from '../track/account.ts'
import { toApplied } from './applied.ts'
import type { Claims } from '../inventory/claims.ts'
import { changedBy } from '../track/contested.ts'
import { createDependencies } from '../track/dependencies.ts'
import { writeSignal } from '../deps.ts'
import { type InventoryEntry, sameInventory } from '../inventory/inventory.ts'
import type { InventoryStore } from '../inventory/inventory-store.ts'
import { toObjectError } from './object-error.ts'
import type { AgentIds } from '../inventory/ownership.ts'
import type { FindLabelled } from '../prune/labelled.ts'
import { removeApplication } from '../prune/remove.ts'
import type { RepairLimit } from '../track/repair-limit.ts'
import { applyApplication } from './run.ts'
import { describeSpared } from '../prune/sparing.ts'
import { findStrays } from '../prune/strays.ts'
import type { Tracked } from '../track/tracked.ts'

export interface RunsDeps extends AgentIds {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly within: TimeBound
  /** Uniform in [0, 1); spreads retries. */
  readonly random: () => number
  readonly log: (message: string, fields: Record<string, unknown>) => void
  readonly salt?: Uint8Array | undefined
  /** What a run came to, well or not. */
  readonly onApplied?: ((applied: Applied) => void) | undefined
  readonly observer: Observer
  readonly inventories: InventoryStore
  readonly open: PrepareObject
  readonly limit: RepairLimit
  readonly claims: () => Claims
  readonly labelled: FindLabelled
  /** Why the snapshot is not to be carried out, in words: it is older than what was applied here. */
  readonly whyOvertaken: () => string | undefined
  /** Whether the values of an object that was applied have changed where they come from. */
  readonly isRotated: (entry: InventoryEntry) => boolean
  readonly find: (application: string) => Tracked | undefined
  /** Where is said that what is known of an application is to be told. */
  readonly news: Coalescer
  /** The snapshot that is being brought about; undefined before the first. */
  readonly reconciled: () => VerifiedSnapshot | undefined
  /** Ends when a newer snapshot comes. */
  readonly round: () => AbortSignal
}

/** What is waited for is looked at again after this; what takes more than a minute, less often. */
const wait = { firstMs: 500, rounds: 120, laterMs: 2_000 } as const
/** As long as a restart or an upgrade of an API server may take; what cannot be watched is not believed for longer. */
const awayMs = 3 * 60_000
const retry = { firstMs: 2_000, lastMs: 60_000 } as const

export interface Runs {
  /** One run of one application, after the run before. */
  process(one: Tracked, signal: AbortSignal): Promise<void>
  /** Runs an application again after `ms`; the earlier of two calls counts. */
  wake(one: Tracked, ms: number): void
  /** For drift just seen, or what drifted while a run was on or waits for its turn under the limit. */
  wakeForDrift(one: Tracked, seen?: ObjectDrift): void
  /**
   * Writes down since when objects are missing, and how those ended that go by themselves, for the agent that
   * starts after this one.
   */
  noteSeen(one: Tracked): void
}

/** Runs applications: one run of each at a time, and again when there is something to do or wait for. */
export function createRuns(deps: RunsDeps, life: AbortSignal): Runs {
  const { clock, news, observer, inventories, limit } = deps
  const dependencies = createDependencies(observer, deps.within)

  function wake(one: Tracked, ms: number): void {
    const at = clock.now() + ms
    if (one.wakeAt !== undefined && one.wakeAt <= at) return
    one.wakeAt = at
    const run = async () => {
      if (ms > 0) await clock.sleep(ms, life)
      if (one.wakeAt !== at || life.aborted) return
      one.wakeAt = undefined
      await process(one, deps.round())
    }
    run().catch((error: unknown) => {
      if (!life.aborted) deps.log('reconcile failed', { application: one.name, error })
    })
  }

  function process(one: Tracked, signal: AbortSignal): Promise<void> {
    const run = async () => {
      if (signal.aborted || life.aborted) return
      await runOnce(one, AbortSignal.any([signal, life]))
    }
    one.turn = one.turn.then(run)
    return one.turn
  }

  async function runOnce(one: Tracked, signal: AbortSignal): Promise<void> {
    const { wanted } = one
    // A retry goes on being shown as failed, so that a report does not flicker.
    if (one.phase === 'Pending') {
      one.phase = 'Applying'
      news.begun(one.name)
    }
    try {
      const inventory = (one.inventory ??= await inventories.load(one.name, signal))
      const overtaken = deps.whyOvertaken()
      if (overtaken !== undefined) throw new AgentError('trust_state_doubtful', overtaken)
      const against = new Map<string, string>()
      const mayRepair = (id: string) => {
        if (wanted.state !== 'present' || wanted.manifest.drift !== 'correct') return false
        const drift = observer.driftOf(id)
        if (drift && waitFor(drift) > 0) return false
        against.set(id, drift ? changedBy(drift) : '')
        return true
      }
      const waited = (what: string) => {
        const since = one.waits.get(what) ?? clock.now()
        one.waits.set(what, since)
        return clock.now() - since
      }
      const { cluster, clusterId, formerIds, labelled, open, salt, isRotated } = deps
      const mine = { inventory, mayRepair, waited, claims: deps.claims() }
      const blocked = dependencies.whyBlocked(one, deps.find)
      const shared = {
        clusterId,
        formerIds,
        labelled,
        clock,
        observer,
        inventories,
        open,
        salt,
        blocked,
        isRotated,
        isAway: (errors: readonly ObjectError[]) => isAway(one, errors),
        ...mine,
      }
      const result =
        wanted.state === 'present'
          ? await applyApplication(
              wanted,
              { ...shared, cluster: clusterOf(cluster, wanted.manifest) },
              signal,
            )
          : await removeApplication(wanted, one.departing, { ...shared, cluster }, signal)
      one.inventory = result.inventory
      one.healed += result.repaired.length
      tellSpared(one, describeSpared(result.spared))
      for (const id of result.repaired) limit.note(id, against.get(id) ?? '', clock.now())
      // A newer snapshot may have come as this run ended; then this says nothing of it.
      if (!result.finished || one.wanted !== wanted) return
      if (result.errors.length === 0 && result.waiting.length === 0) {
        const spared = result.spared.map(({ entry }) => entry.id)
        one.strays = findStrays(one, [...result.pruned, ...spared], deps)
      }
      finish(one, wanted, result.errors, result.waiting)
      const reconciled = deps.reconciled()
      const isOver = result.waiting.length === 0 && one.phase !== 'Applying'
      if (reconciled && isOver && !one.held) {
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
    const away = isAway(one, errors)
    one.errors = errors
    one.waiting = waiting
    if (errors.length === 0 && waiting.length > 0) {
      one.phase = 'Applying'
      one.settled = false
      news.ended(one.name)
      one.waitRounds += 1
      wake(one, one.waitRounds > wait.rounds ? wait.laterMs : wait.firstMs)
      return
    }
    one.waitRounds = 0
    if (errors.length === 0) one.waits.clear()
    one.settled = errors.length === 0
    if (!away) {
      one.phase = errors.length > 0 ? 'Failed' : wanted.state === 'present' ? 'Applied' : 'Removed'
    } else if (one.phase !== 'Failed') one.phase = 'Applying'
    one.failures = one.settled ? 0 : one.failures + 1
    news.ended(one.name)
    if (!one.settled) {
      const ceiling = Math.min(retry.lastMs, retry.firstMs * 2 ** Math.min(one.failures - 1, 10))
      wake(one, ceiling * (0.5 + deps.random() / 2))
    } else wakeForDrift(one)
  }

  /**
   * Whether nobody answered, and not for long yet: of the content that says nothing, and a rollout waits. Nor does
   * what is not carried out for want of a signer's word, however long: the hub may be as long away.
   */
  function isAway(one: Tracked, errors: readonly ObjectError[]): boolean {
    if (errors.some(({ code }) => code === 'trust_state_doubtful')) return true
    if (errors.length === 0 || errors.some(({ code }) => code !== 'cluster_unreachable')) {
      one.awaySince = undefined
      return false
    }
    one.awaySince ??= clock.now()
    return clock.now() - one.awaySince < awayMs
  }

  /** Once: what is only left is left by every run. */
  function tellSpared(one: Tracked, objects: string): void {
    if (objects === one.spared) return
    one.spared = objects
    if (objects) deps.log('wanted no more, and not deleted', { application: one.name, objects })
  }

  /** Milliseconds until drift may be put right. */
  function waitFor(drift: ObjectDrift): number {
    return limit.wait(drift.object, changedBy(drift), clock.now())
  }

  function wakeForDrift(one: Tracked, seen?: ObjectDrift): void {
    const { wanted } = one
    if (wanted.state !== 'present' || wanted.manifest.drift !== 'correct') return
    const waits = (seen ? [seen] : observer.drift(one.name)).map(waitFor)
    if (waits.length > 0) wake(one, Math.min(...waits))
  }

  async function saveSeen(one: Tracked): Promise<void> {
    const inventory = one.inventory
    if (!inventory || life.aborted) return
    const next = new Map(inventory)
    for (const { object, missing, firstSeen } of observer.drift(one.name)) {
      const entry = inventory.get(object)
      if (missing && entry) next.set(object, { ...entry, missingSince: firstSeen })
    }
    for (const [id, entry] of inventory) {
      const ended = observer.live(id)?.ended ?? observer.end(id)
      if (ended && entry.digest) next.set(id, { ...entry, ended })
    }
    if (sameInventory(inventory, next)) return
    await inventories.save(one.name, next, writeSignal())
    one.inventory = next
  }

  function noteSeen(one: Tracked): void {
    one.turn = one.turn.then(() =>
      saveSeen(one).catch((error: unknown) => {
        deps.log('inventory not written', { application: one.name, error })
      }),
    )
  }

  return { process, wake, wakeForDrift, noteSeen }
}
