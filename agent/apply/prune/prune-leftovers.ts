import { listSpellings } from '@groundswell/proto/spelling.ts'
import type { ObjectError } from '../../observe/status.ts'
import { findLeftovers, type InventoryEntry, mergeInventory } from '../inventory/inventory.ts'
import { toObjectError } from '../run/object-error.ts'
import { findPruneBar } from '../run/plan.ts'
import { holdManyPrunes, holdPreciousPrune } from './prune-hold.ts'
import { type PruneResult, pruneObjects } from './prune.ts'
import { releaseObjects, sortAsSeen } from './release.ts'
import { type RunState, waitFor } from '../run/run-state.ts'
import { type Sorted, type Spared, sortSpared } from './sparing.ts'

export interface LeftoversResult extends Pick<PruneResult, 'gone' | 'deleted'> {
  /** What is wanted no more and was not deleted: it stays in the inventory, or was let go. */
  readonly spared: readonly Spared[]
}

/** Deletes what an application's manifest names no more, but for what is spared. */
export async function pruneLeftovers(run: RunState): Promise<LeftoversResult> {
  const { app, deps, signal } = run
  const { manifest, name } = app
  const wanted = listSpellings(manifest)
  for (const { id } of run.located) wanted.add(id)
  const leftovers = findLeftovers(run.inventory, wanted)
  if (leftovers.length === 0 || signal.aborted) return { ...nothing, spared: [] }
  // What another application has taken over leaves the inventory, whatever is said of it.
  const isTaken = ({ id }: InventoryEntry) => (deps.claims.holder(id, '') ?? name) !== name
  const split = ({ doomed, left, found }: Sorted) => ({
    going: [...doomed, ...left.map(({ entry }) => entry).filter(isTaken)],
    staying: left.filter(({ entry }) => !isTaken(entry)),
    found,
  })
  const known = split(sortSpared(leftovers, app))
  const failures = run.errors.length
  const bar = known.going.length > 0 ? findPruneBar(manifest, failures) : undefined
  if (bar !== undefined && manifest.objects.length === 0 && manifest.prune.enabled) {
    run.errors.push(refusal(`nothing pruned: ${bar}`))
  }
  if (failures > 0) return { ...nothing, spared: known.staying }
  // Letting go is no pruning: it is done also where that is off.
  if (bar !== undefined) return prune(run, { ...known, going: [] }, isTaken)
  let seen: Sorted
  try {
    seen = await sortAsSeen(leftovers, app, deps, signal)
  } catch (error) {
    if (!signal.aborted) run.errors.push(toObjectError('', '', error))
    return { ...nothing, spared: known.staying }
  }
  return prune(run, split(seen), isTaken)
}

const nothing = { gone: [], deleted: [] } as const

interface Split {
  readonly going: readonly InventoryEntry[]
  readonly staying: readonly Spared[]
  readonly found: readonly Spared[]
}

async function prune(
  run: RunState,
  { going, staying, found }: Split,
  isTaken: (entry: InventoryEntry) => boolean,
): Promise<LeftoversResult> {
  const { app, deps, signal } = run
  const { name } = app
  const released = await releaseObjects(found, name, deps, signal)
  run.errors.push(...released.errors)
  const spared = [...staying, ...found]
  // What another has taken over is no loss, nor what a hook has left.
  const lost = going.filter((entry) => !entry.hook && !isTaken(entry)).map(({ id }) => id)
  try {
    holdManyPrunes(lost.sort(), run.inventory.size, app)
  } catch (error) {
    run.errors.push(toObjectError('', '', error))
    return { gone: released.gone, deleted: [], spared }
  }
  const hold = (id: string) => holdPreciousPrune(id, app)
  const terms = { hold, kept: keptUids(run, going) }
  const result = await pruneObjects(going, name, 'Delete', deps, signal, terms)
  run.errors.push(...result.errors)
  for (const { id, words } of result.lingering) waitFor(run, id, '', words)
  return { gone: [...released.gone, ...result.gone], deleted: result.deleted, spared }
}

/** Of all that does not go, as it was written last. */
function keptUids(run: RunState, going: readonly InventoryEntry[]): ReadonlySet<string> {
  const stays = new Map(
    mergeInventory(
      run.inventory,
      run.applied,
      going.map(({ id }) => id),
    ),
  )
  return new Set([...stays.values()].flatMap(({ uid }) => uid || []))
}

function refusal(message: string): ObjectError {
  return { object: '', file: '', code: 'prune_refused', message }
}
