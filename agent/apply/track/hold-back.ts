import { listSpellings } from '@groundswell/proto/spelling.ts'
import type { VerifiedApplication, VerifiedSnapshot } from '../../trust/verified.ts'
import type { ApplicationState } from '../../observe/status.ts'
import { findLeftovers, type Inventory } from '../inventory/inventory.ts'
import { sortSpared, sparesLess } from '../prune/sparing.ts'

/* What a hold keeps back: content that would change what runs, and nothing else. */

/** Whether the second would change what the first keeps running. */
export function isUpdate(before: VerifiedApplication, after: VerifiedApplication): boolean {
  if (before.state === 'present' && after.state === 'present') {
    return before.manifestDigest !== after.manifestDigest || sparesLess(before, after)
  }
  return before.state !== after.state
}

/** Whether the cluster has just this already, as its inventory remembers it. */
export function isWhatRuns(wanted: VerifiedApplication, inventory: Inventory): boolean {
  if (wanted.state === 'removed') return inventory.size === 0
  // Hooks come and go, and what is left alone is in no inventory.
  const objects = wanted.manifest.objects.filter(
    ({ rules }) => !rules?.hook && rules?.apply !== 'never',
  )
  const all = [...inventory.values()]
  const leftovers = findLeftovers(inventory, listSpellings(wanted.manifest))
  const left = new Set(sortSpared(leftovers, wanted).left.map(({ entry }) => entry))
  const entries = all.filter((entry) => !entry.hook && !left.has(entry))
  const applied = new Set(entries.map(({ digest }) => digest))
  return entries.length === objects.length && objects.every(({ digest }) => applied.has(digest))
}

/**
 * After a restart on a held application: what to go on healing, of what it is asked to be and of
 * snapshots accepted before. Undefined when none of them is what runs: then nothing is touched.
 */
export function findRunning(
  wanted: VerifiedApplication,
  earlier: readonly VerifiedSnapshot[],
  inventory: Inventory,
): VerifiedApplication | undefined {
  const named = earlier.flatMap(({ applications }) =>
    applications.filter(({ name, state }) => name === wanted.name && state === 'present'),
  )
  return [wanted, ...named].find((one) => isWhatRuns(one, inventory))
}

/** What is reported of an application of which nothing may be touched. */
export function heldState(wanted: VerifiedApplication): ApplicationState {
  return {
    application: wanted.name,
    manifestDigest: null,
    generation: 0,
    phase: 'Pending',
    health: 'Unknown',
    objects: 0,
    readyObjects: 0,
    unhealthy: [],
    errors: [],
    drift: [],
    driftedObjects: 0,
    healed: 0,
    held: toHeld(wanted),
  }
}

export function toHeld(wanted: VerifiedApplication): NonNullable<ApplicationState['held']> {
  const digest = wanted.state === 'present' ? wanted.manifestDigest : null
  return { digest, generation: wanted.generation }
}
