import type { ObjectError } from '../observe/status.ts'
import type { VerifiedRemoved } from '../trust/verified.ts'
import { type ApplyDeps, type ApplyResult, writeSignal } from './deps.ts'
import { mergeInventory, sameInventory } from './inventory.ts'
import { pruneObjects } from './prune.ts'

/** How long finalizers may take before their application counts as failed. */
const patienceMs = 5 * 60_000

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
  const { gone, deleted, lingering, errors } = await pruneObjects(
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
  const waiting: string[] = []
  const late: ObjectError[] = []
  for (const { id, words } of lingering) {
    if (deps.waited(id) < patienceMs) waiting.push(words)
    else late.push({ object: id, file: '', code: 'not_ready', message: words })
  }
  return {
    inventory,
    errors: [...errors, ...late],
    waiting,
    changed: [],
    repaired: [],
    pruned: deleted,
    finished,
  }
}
