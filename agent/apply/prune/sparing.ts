import {
  describeObject,
  formatObjectId,
  groupOf,
  parseObjectId,
} from '@groundswell/proto/object-id.ts'
import { withoutNamespace } from '@groundswell/proto/spelling.ts'
import { isLeaveAll, type Sparing } from '@groundswell/proto/statement.ts'
import type { OwnerReference } from '../../cluster/port.ts'
import type { InventoryEntry } from '../inventory/inventory.ts'

/* What is not deleted though its application wants it no more: what others are to get, and, where it goes
   back to what was before, what was there before it. What would take such an object along stays as well,
   and what one that was there before names: nobody has asked for a rollback to break it. */

/**
 * `heir`: another application is to get it. `found`: it was there before, as far as is known. `holds`:
 * such an object would go with it. `named`: one that was there before could not do without it. `absent`: it is
 * only in the inventory.
 */
export type Reason = 'heir' | 'found' | 'holds' | 'named' | 'absent'

export interface Spared {
  readonly entry: InventoryEntry
  readonly reason: Reason
}

export interface Sorted {
  /** To be deleted as usual. */
  readonly doomed: readonly InventoryEntry[]
  /** What others are to get, and what holds that. */
  readonly left: readonly Spared[]
  /** What was there before, and what holds that: to be let go for good. */
  readonly found: readonly Spared[]
}

/**
 * Sorts what an application wants no more. What it found is let go where it goes back, also where others
 * are to get it; hooks' objects are always its own.
 *
 * @param seen what is known of the live objects
 */
export function sortSpared(
  entries: readonly InventoryEntry[],
  { leave = [], undo }: Sparing,
  seen: Seen = unseen,
): Sorted {
  const covers = coverOf(leave)
  const left = new Map<string, Spared>()
  const found = new Map<string, Spared>()
  for (const entry of entries) {
    const { id, hook, made } = entry
    if (undo && !made && !hook) {
      found.set(id, { entry, reason: seen.absent.has(id) ? 'absent' : 'found' })
    } else if (seen.ownersOfFound.has(id)) found.set(id, { entry, reason: 'holds' })
    else if (seen.namedByFound.has(id) && !hook) found.set(id, { entry, reason: 'named' })
    else if (covers(id)) left.set(id, { entry, reason: 'heir' })
    else if (seen.ownersOfLeft.has(id)) left.set(id, { entry, reason: 'holds' })
  }
  const there = [...found.values()].filter(({ reason }) => reason !== 'absent')
  const ofFound = placesOf(there.map(({ entry }) => entry.id))
  const ofLeft = placesOf([...left.keys(), ...(isLeaveAll(leave) ? [] : leave)])
  for (const entry of entries) {
    const { id } = entry
    const place = placeMadeBy(id)
    if (place === undefined || found.has(id)) continue
    // Let go for good beside one that is only left: nothing may take it along later.
    if (ofFound.has(place)) {
      left.delete(id)
      found.set(id, { entry, reason: 'holds' })
    } else if (!left.has(id) && ofLeft.has(place)) left.set(id, { entry, reason: 'holds' })
  }
  return {
    doomed: entries.filter(({ id }) => !left.has(id) && !found.has(id)),
    left: [...left.values()],
    found: [...found.values()],
  }
}

/** Whether the same is spared. */
export function isSparedAlike(a: Sparing, b: Sparing): boolean {
  return !sparesLess(a, b) && !sparesLess(b, a)
}

/** Whether the second spares less of what an application wants no more. */
export function sparesLess(before: Sparing, after: Sparing): boolean {
  const covers = coverOf(after.leave ?? [])
  return (before.leave ?? []).some((id) => !covers(id)) || (before.undo === true && !after.undo)
}

/** Whether an object is a place that others live in, and go with. */
export function isPlace(id: string): boolean {
  return placeMadeBy(id) !== undefined
}

/**
 * By ids. Who owns a spared object, see `ownersOf`; what one that was there before names, see `listNamed`; what is
 * in the inventory and not on the cluster.
 */
export interface Seen {
  readonly ownersOfLeft: ReadonlySet<string>
  readonly ownersOfFound: ReadonlySet<string>
  readonly namedByFound: ReadonlySet<string>
  readonly absent: ReadonlySet<string>
}

const none: ReadonlySet<string> = new Set()
export const unseen: Seen = {
  ownersOfLeft: none,
  ownersOfFound: none,
  namedByFound: none,
  absent: none,
}

/** Ids that an object's owners may have: its own namespace's, or of the whole cluster. */
export function ownersOf(id: string, references: readonly OwnerReference[] = []): string[] {
  const { namespace } = parseObjectId(id)
  return references.flatMap(({ apiVersion, kind, name }) =>
    [...new Set([namespace, ''])].map((home) =>
      formatObjectId({ group: groupOf(apiVersion), kind, namespace: home, name }),
    ),
  )
}

/** For the log: at most ten by name, each with why. */
export function describeSpared(all: readonly Spared[]): string {
  const spared = all.filter(({ reason }) => reason !== 'absent')
  const shown = spared
    .slice(0, shownObjects)
    .map(({ entry, reason }) => `${describeObject(parseObjectId(entry.id))} (${words[reason]})`)
  const more = spared.length - shownObjects
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

const shownObjects = 10
const words: Readonly<Record<Reason, string>> = {
  heir: 'another application is to get it',
  found: 'it was there before, as far as is known',
  holds: 'what stays would go with it',
  named: 'what stays names it',
  absent: 'it is not there',
}

function coverOf(leave: readonly string[]): (id: string) => boolean {
  if (isLeaveAll(leave)) return () => true
  // A kind of the whole cluster may be named in a namespace, where it does not live.
  const ids = new Set(leave.flatMap((id) => [id, withoutNamespace(id)]))
  return (id) => ids.has(id)
}

const definition = 'apiextensions.k8s.io/CustomResourceDefinition//'
const namespace = '/Namespace//'

/** Of a Namespace or a definition: what those that live in it have in common. */
function placeMadeBy(id: string): string | undefined {
  if (id.startsWith(namespace)) return `in ${id.slice(namespace.length)}`
  if (!id.startsWith(definition)) return undefined
  // Named by plural and group. Kinds of one group stay together: an id does not tell a kind's plural.
  const name = id.slice(definition.length)
  return `of ${name.slice(name.indexOf('.') + 1)}`
}

function placesOf(ids: Iterable<string>): ReadonlySet<string> {
  const places = new Set<string>()
  for (const id of ids) {
    const { group, namespace } = parseObjectId(id)
    if (namespace !== '') places.add(`in ${namespace}`)
    if (group !== '') places.add(`of ${group}`)
  }
  return places
}
