import type { Sparing } from '@groundswell/proto/statement.ts'
import { forEachBounded } from '../run/bounded.ts'
import { type ApplyDeps, writeSignal, writeWidth } from '../deps.ts'
import type { InventoryEntry } from '../inventory/inventory.ts'
import { listNamed } from './named.ts'
import { findLive, type PruneResult, pruneObjects } from './prune.ts'
import { isPlace, ownersOf, type Sorted, type Spared, sortSpared } from './sparing.ts'

/* Letting go of what is spared: our marks come off, and it leaves the inventory. */

/**
 * As `sortSpared`, by what is on the cluster: what spared objects belong to stays, since the API server
 * would delete them with it, and what those name that were there before. For what is not there at all nothing
 * has to stay. They are read for this only where it matters.
 *
 * @throws AgentError when one cannot be read: then nobody knows what would be lost.
 */
export async function sortAsSeen(
  entries: readonly InventoryEntry[],
  sparing: Sparing,
  { cluster }: Pick<ApplyDeps, 'cluster'>,
  signal: AbortSignal,
): Promise<Sorted> {
  const seen = {
    ownersOfLeft: new Set<string>(),
    ownersOfFound: new Set<string>(),
    namedByFound: new Set<string>(),
    absent: new Set<string>(),
  }
  const read = new Set<string>()
  for (;;) {
    const sorted = sortSpared(entries, sparing, seen)
    const spared = [...sorted.left, ...sorted.found]
    const matters = sorted.doomed.length > 0 || spared.some(({ reason }) => reason === 'holds')
    const unread = spared.filter(({ entry }) => !read.has(entry.id))
    if (!matters || unread.length === 0) return sorted
    const isFound = new Set(sorted.found)
    const doomed = sorted.doomed.map((entry) => entry.id)
    await forEachBounded(unread, writeWidth, signal, async (one) => {
      const { id } = one.entry
      read.add(id)
      const found = await findLive(one.entry, cluster, writeSignal())
      if (!found) seen.absent.add(id)
      const owners = isFound.has(one) ? seen.ownersOfFound : seen.ownersOfLeft
      for (const owner of ownersOf(id, found?.live.metadata.ownerReferences)) owners.add(owner)
      if (!found || !isFound.has(one) || isPlace(id)) return
      for (const needed of listNamed(id, found.live, doomed)) seen.namedByFound.add(needed)
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
