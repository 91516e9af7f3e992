import { AgentError } from '../../errors.ts'
import type { ObjectError } from '../../observe/status.ts'
import type { VerifiedPresent, VerifiedRemoved } from '../../trust/verified.ts'
import { clusterOf } from '../track/account.ts'
import { attendDeletion, awaitsDeletion } from '../hook/deletion-hooks.ts'
import { type ApplyDeps, type ApplyResult, writeSignal } from '../deps.ts'
import {
  accountIn,
  type Inventory,
  type InventoryEntry,
  mergeInventory,
  sameInventory,
} from '../inventory/inventory.ts'
import { toObjectError } from '../run/object-error.ts'
import { isNamespace } from '../run/order.ts'
import { inventoryIdOf, marks, systemNamespace } from '../inventory/ownership.ts'
import { refuseForgotten } from './forgotten.ts'
import { pruneObjects, type PruneResult } from './prune.ts'
import { releaseObjects, sortAsSeen } from './release.ts'
import { createRun } from '../run/run-state.ts'
import type { Spared } from './sparing.ts'

/** How long finalizers may take before their application counts as failed. */
const patienceMs = 5 * 60_000

/** What a removal has come to so far. */
interface Removal {
  readonly app: VerifiedRemoved
  readonly deps: ApplyDeps
  readonly signal: AbortSignal
  inventory: Inventory
  readonly errors: ObjectError[]
  readonly waiting: string[]
  readonly pruned: string[]
  readonly spared: Spared[]
}

/**
 * Carries out a tombstone. `Delete` lets go of what is spared, runs the hooks that come before, deletes
 * the application's objects, last applied first, and runs the hooks that come after; `Orphan` takes our
 * marks off its objects. The inventory goes when nothing is left in it. All of it is done in the name the objects
 * were made in: what that one may no longer do is refused by the API server and said so, and is
 * never done with the agent's own rights instead.
 *
 * @param last content whose hooks are to run; undefined where there are none
 * @throws AgentError when the inventory cannot be written, or is damaged: then nothing more is touched.
 */
export async function removeApplication(
  app: VerifiedRemoved,
  last: VerifiedPresent | undefined,
  deps: ApplyDeps,
  signal: AbortSignal,
): Promise<ApplyResult> {
  deps.observer.expect(app.name, new Map())
  // Nothing would be deleted, and all of it called removed.
  if (deps.inventory.size === 0) await refuseUnknown(app, deps)
  const removal: Removal = {
    ...{ app, signal, inventory: deps.inventory, errors: [], waiting: [], pruned: [], spared: [] },
    deps: { ...deps, cluster: clusterFor(last, deps) },
  }
  if (await spare(removal)) {
    const isApplied = app.deletionPolicy === 'Delete' && removal.inventory.size > 0
    if (isApplied && (last !== undefined || awaitsDeletion(removal.inventory))) {
      if (last) await removeWithHooks(removal, last)
      else removal.errors.push(lost)
    } else await prune(removal, [...removal.inventory.values()])
  }

  const { inventory, errors, waiting, pruned, spared } = removal
  if (inventory.size > 0) {
    if (!sameInventory(inventory, deps.inventory)) {
      await deps.inventories.save(app.name, inventory, writeSignal())
    }
  } else {
    await deps.inventories.remove(app.name, writeSignal())
    deps.observer.needOnly(app.name, [])
  }
  const finished = !signal.aborted
  return { inventory, errors, waiting, changed: [], repaired: [], pruned, spared, finished }
}

/** @throws AgentError where nobody knows what is to be deleted, and something is. */
async function refuseUnknown(app: VerifiedRemoved, deps: ApplyDeps): Promise<void> {
  const { name } = inventoryIdOf(app.name)
  if (await deps.inventories.isDamaged(app.name, writeSignal())) {
    throw new AgentError(
      'prune_failed',
      `the inventory cannot be read (ConfigMap ${systemNamespace}/${name}), so what is to be deleted is not known: delete what bears the label ${marks.application}=${app.name}, and then that ConfigMap`,
    )
  }
  if (app.deletionPolicy === 'Delete') await refuseForgotten(app, deps)
}

/**
 * Lets go of what is not to be deleted, before anything is. True when the rest is to be removed now;
 * where nothing but hooks' objects would be, those go and no hook runs.
 */
async function spare(removal: Removal): Promise<boolean> {
  const { app, deps, signal } = removal
  if (app.deletionPolicy === 'Orphan') return true
  try {
    const entries = [...removal.inventory.values()]
    const { doomed, left, found } = await sortAsSeen(entries, app, deps, signal)
    const spared = [...left, ...found]
    if (spared.length === 0) return true
    const isTaken = (id: string) => (deps.claims.holder(id, '') ?? app.name) !== app.name
    const isAlone = doomed.every(({ id, hook }) => hook || isTaken(id))
    // First, since what is spared tells the next try that no hook is to run.
    if (isAlone) await prune(removal, doomed)
    if (isAlone && doomed.some(({ id }) => removal.inventory.has(id))) return false
    const { gone, errors } = await releaseObjects(spared, app.name, deps, signal)
    removal.inventory = mergeInventory(removal.inventory, [], gone)
    removal.errors.push(...errors)
    removal.spared.push(...spared)
    return !isAlone && spared.every(({ entry }) => !removal.inventory.has(entry.id))
  } catch (error) {
    if (!signal.aborted) removal.errors.push(toObjectError('', '', error))
    return false
  }
}

/** Nothing is deleted behind the back of what was to run first. */
const lost: ObjectError = {
  object: '',
  file: '',
  code: 'hook_failed',
  message:
    'hooks are to run for this removal, and their content is not here any more; put the application back, and remove it again once it is applied',
}

function clusterFor(last: VerifiedPresent | undefined, { cluster, inventory }: ApplyDeps) {
  if (last) return clusterOf(cluster, last.manifest)
  const account = accountIn(inventory)
  return account === undefined ? cluster : cluster.as(account)
}

/** What hooks need to run in, and what they left, goes when all of them have run. */
async function removeWithHooks(removal: Removal, last: VerifiedPresent): Promise<void> {
  const { app, deps, signal } = removal
  // A retry of the removal is a new decision, and tries a failed hook again.
  const run = createRun({ ...last, generation: app.generation }, deps, signal)
  run.waiting.length = 0
  const attend = async (event: 'pre-delete' | 'post-delete') => {
    run.inventory = removal.inventory
    const done = await attendDeletion(run, event)
    removal.inventory = run.inventory
    return done
  }
  const isForHooks = ({ id, hook }: InventoryEntry) => hook || isNamespace(id)
  const rest = () => [...removal.inventory.values()].filter((entry) => !isForHooks(entry))
  if (await attend('pre-delete')) {
    await prune(removal, rest())
    if (rest().length === 0 && !signal.aborted && (await attend('post-delete'))) {
      await prune(removal, [...removal.inventory.values()])
    }
  }
  removal.errors.push(...run.errors)
  removal.waiting.push(...run.waiting)
}

async function prune(removal: Removal, entries: readonly InventoryEntry[]): Promise<void> {
  const { app, deps, signal } = removal
  const { name, deletionPolicy, undo } = app
  const result = await pruneObjects(entries, name, deletionPolicy, deps, signal, { undo })
  removal.inventory = mergeInventory(removal.inventory, [], result.gone)
  removal.errors.push(...result.errors)
  removal.pruned.push(...result.deleted)
  waitForFinalizers(removal, result)
}

function waitForFinalizers({ deps, waiting, errors }: Removal, { lingering }: PruneResult): void {
  for (const { id, words } of lingering) {
    if (deps.waited(id) < patienceMs) waiting.push(words)
    else errors.push({ object: id, file: '', code: 'not_ready', message: words })
  }
}
