import type { Sparing } from '@groundswell/proto/statement.ts'
import { forEachBounded } from './bounded.ts'
import { type ApplyDeps, writeSignal, writeWidth } from './deps.ts'
import type { InventoryEntry } from './inventory.ts'
import { findLive, type PruneResult, pruneObjects } from './prune.ts'
import { isPlace, ownersOf, type Sorted, type Spared, sortSpared } from './sparing.ts'

/* Letting go of what is spared: our marks come off, and it leaves the inventory. */

/**
 * As `sortSpared`, with what spared objects belong to: were that deleted, the API server would delete
 * them with it. They are read for this only where something is to be deleted.
 *
 * @throws AgentError when one cannot be read: then nobody knows what would be lost.
 */
export async function sortWithOwners(
  entries: readonly InventoryEntry[],
  sparing: Sparing,
  { cluster }: Pick<ApplyDeps, 'cluster'>,
  signal: AbortSignal,
): Promise<Sorted> {
  const owners = { left: new Set<string>(), found: new Set<string>() }
  const read = new Set<string>()
  for (;;) {
    const sorted = sortSpared(entries, sparing, owners)
    const doomed = new Set(sorted.doomed.map(({ id }) => id))
    const unread = [...sorted.left, ...sorted.found].filter(({ entry }) => !read.has(entry.id))
    if (doomed.size === 0 || unread.length === 0) return sorted
    const isFound = new Set(sorted.found)
    await forEachBounded(unread, writeWidth, signal, async (spared) => {
      const { entry } = spared
      read.add(entry.id)
      const found = await findLive(entry, cluster, writeSignal())
      const mine = ownersOf(entry.id, found?.live.metadata.ownerReferences)
      const kind = isFound.has(spared) ? 'found' : 'left'
      for (const id of mine) if (doomed.has(id)) owners[kind].add(id)
    })
    signal.throwIfAborted()
  }
}

/**
 * Lets objects go. Places that others live in go first, and while one could not, what may live in it
 * stays in the inventory: it is what keeps the place from being deleted.
 */
export async function releaseObjects(
  spared: readonly Spared[],
  application: string,
  deps: ApplyDeps,
  signal: AbortSignal,
): Promise<PruneResult> {
  const entries = spared.map(({ entry }) => entry)
  const release = (some: readonly InventoryEntry[]) =>
    pruneObjects(some, application, 'Orphan', deps, signal)
  const places = await release(entries.filter(({ id }) => isPlace(id)))
  if (places.errors.length > 0 || signal.aborted) return places
  const rest = await release(entries.filter(({ id }) => !isPlace(id)))
  return { ...rest, gone: [...places.gone, ...rest.gone] }
}
