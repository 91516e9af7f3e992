import type { Manifest } from '@groundswell/proto/manifest.ts'
import type { End } from '../../observe/ends.ts'
import type { HookRecord } from '../hook/hook-record.ts'

/** What the agent remembers of one object it applied. */
export interface InventoryEntry {
  readonly id: string
  readonly apiVersion: string
  /** Empty until the API server has answered the first apply. */
  readonly uid: string
  /** Digest of the content last applied; empty until that is known to have happened. */
  readonly digest: string
  /** Hash of the fields we owned and their values right after. */
  readonly fieldsHash: string
  /** Of a hook: how it ran. Its object may be gone. */
  readonly hook?: HookRecord
  /** Of a Secret with references: stands for the versions in Vault that its values came from. */
  readonly versions?: string
  /** ServiceAccount in whose name its application was applied last; absent for the agent's own. */
  readonly account?: string
  /** Since when it was seen to be missing, in milliseconds, where it is only reported. */
  readonly missingSince?: number
  /** How it has ended, where it goes by itself then. */
  readonly ended?: End
  /** It was not there before we applied it first. Absent where it was found, and where nobody knows. */
  readonly made?: true
}

/** The objects that are one application's on this cluster, by id. */
export type Inventory = ReadonlyMap<string, InventoryEntry>

/** The entry of a manifest's object, which may have been given its namespace since. */
export function findEntry(
  inventory: Inventory,
  id: string,
  { targetNamespace }: Pick<Manifest, 'targetNamespace'>,
): InventoryEntry | undefined {
  const [group, kind, , name] = id.split('/')
  return inventory.get(id) ?? inventory.get([group, kind, targetNamespace, name].join('/'))
}

/** Entries the manifest no longer names: candidates for pruning. */
export function findLeftovers(inventory: Inventory, wanted: ReadonlySet<string>): InventoryEntry[] {
  return [...inventory.values()].filter(({ id }) => !wanted.has(id))
}

/**
 * Adds what is about to be made for the first time, so that a crash in between leaves no object
 * that nobody remembers. Undefined when all are known already and nothing needs to be written.
 */
export function writeAhead(
  inventory: Inventory,
  coming: readonly { readonly id: string; readonly apiVersion: string }[],
): Inventory | undefined {
  const fresh = coming.filter(({ id }) => !inventory.has(id))
  if (fresh.length === 0) return undefined
  const next = new Map(inventory)
  for (const { id, apiVersion } of fresh) {
    next.set(id, { id, apiVersion, uid: '', digest: '', fieldsHash: '' })
  }
  return next
}

/**
 * Whether an object is of our making and was not there before. Its first write tells; what is written
 * later, or made anew in its place by us, is as the first one was.
 */
export function isMade(
  before: InventoryEntry | undefined,
  uid: string,
  how: 'created' | 'changed' | 'replaced',
): boolean {
  if (!before?.uid) return how === 'created'
  // Somebody has put another one of the same name in its place.
  if (how === 'changed' && before.uid !== uid) return false
  return before.made === true
}

/**
 * What could not be applied may have been all the same, its answer lost: whatever is asked for next is applied,
 * also when it is what was there before.
 */
export function doubt(inventory: Inventory, id: string): Inventory {
  const entry = inventory.get(id)
  return entry?.digest ? new Map(inventory).set(id, { ...entry, digest: '' }) : inventory
}

/** The inventory after a run: what was applied is new, what is gone is out, all else stays in. */
export function mergeInventory(
  inventory: Inventory,
  applied: readonly InventoryEntry[],
  gone: readonly string[],
): Inventory {
  const next = new Map(inventory)
  for (const entry of applied) next.set(entry.id, entry)
  for (const id of gone) next.delete(id)
  return next
}

/** The inventory of an application that is applied in the name of a ServiceAccount, or of none. */
export function inNameOf(inventory: Inventory, account: string | undefined): Inventory {
  if ([...inventory.values()].every((entry) => entry.account === account)) return inventory
  const rename = (one: InventoryEntry): InventoryEntry => {
    const { account: _, ...entry } = one
    return account === undefined ? entry : { ...entry, account }
  }
  return new Map([...inventory].map(([id, entry]) => [id, rename(entry)]))
}

/** Whose rights an application's objects were made with; undefined for the agent's own. */
export function accountIn(inventory: Inventory | undefined): string | undefined {
  return inventory && [...inventory.values()].find(({ account }) => account !== undefined)?.account
}

export function sameInventory(a: Inventory, b: Inventory): boolean {
  if (a.size !== b.size) return false
  for (const [id, entry] of a) {
    const other = b.get(id)
    if (other === entry) continue
    if (
      other?.uid !== entry.uid ||
      other.digest !== entry.digest ||
      other.fieldsHash !== entry.fieldsHash ||
      other.apiVersion !== entry.apiVersion ||
      other.versions !== entry.versions ||
      other.account !== entry.account ||
      other.missingSince !== entry.missingSince ||
      other.made !== entry.made ||
      other.ended !== entry.ended ||
      JSON.stringify(other.hook) !== JSON.stringify(entry.hook)
    ) {
      return false
    }
  }
  return true
}
