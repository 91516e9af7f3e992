import type { VerifiedRemoved } from '../trust/verified.ts'
import { type ApplyDeps, type ApplyResult, writeSignal } from './deps.ts'
import { mergeInventory, sameInventory } from './inventory.ts'
import { pruneObjects } from './prune.ts'

/**
 * Carries out a tombstone. `Delete` deletes the application's objects, last applied first;
 * `Orphan` takes our marks off them. The inventory goes when nothing is left in it.
 */
export async function removeApplication(
  app: VerifiedRemoved,
  deps: ApplyDeps,
  signal: AbortSignal,
): Promise<ApplyResult> {
  const entries = [...deps.inventory.values()]
  deps.observer.expect(app.name, new Map())
  const { gone, deleted, errors } = await pruneObjects(
    entries,
    app.name,
    app.deletionPolicy,
    deps,
    signal,
  )
  const inventory = mergeInventory(deps.inventory, [], gone)
  if (inventory.size > 0) {
    if (!sameInventory(inventory, deps.inventory)) {
      await deps.inventories.save(app.name, inventory, writeSignal())
    }
  } else {
    await deps.inventories.remove(app.name, writeSignal())
    deps.observer.needOnly(app.name, [])
  }
  const finished = !signal.aborted
  return { inventory, errors, changed: [], repaired: [], pruned: deleted, finished }
}
