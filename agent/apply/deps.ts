import type { Clock } from '../cluster/clock.ts'
import type { Cluster } from '../cluster/port.ts'
import type { PrepareObject } from '../secrets/prepare.ts'
import type { Observer } from '../observe/observer.ts'
import type { ObjectError } from '../observe/status.ts'
import type { Claims } from './inventory/claims.ts'
import type { Inventory, InventoryEntry } from './inventory/inventory.ts'
import type { InventoryStore } from './inventory/inventory-store.ts'
import type { AgentIds } from './inventory/ownership.ts'
import type { FindLabelled } from './prune/labelled.ts'
import type { Spared } from './prune/sparing.ts'

/** What applying and removing need. */
export interface ApplyDeps extends AgentIds {
  readonly cluster: Cluster
  readonly clock: Clock
  /** Of hashes of Secrets in inventories; without it they have none. */
  readonly salt?: Uint8Array | undefined
  readonly observer: Observer
  readonly inventories: InventoryStore
  readonly claims: Claims
  /** Decrypts what is encrypted, and puts values in the place of references. */
  readonly open: PrepareObject
  /** Whether the values of an object have changed in Vault since they were applied. */
  readonly isRotated?: (entry: InventoryEntry) => boolean
  /** What bears an application's label. */
  readonly labelled: FindLabelled
  /** The application's inventory as last loaded or saved. */
  readonly inventory: Inventory
  /** Whether an object that drifted may be repaired now. */
  readonly mayRepair: (id: string) => boolean
  /** What the whole application waits for, in words. */
  readonly blocked: string | undefined
  /** Whether these mean only that nobody answers, and not for long yet: then nothing has failed. */
  readonly isAway: (errors: readonly ObjectError[]) => boolean
  /** Milliseconds since something was first waited for. */
  readonly waited: (what: string) => number
}

export interface ApplyResult {
  readonly inventory: Inventory
  readonly errors: readonly ObjectError[]
  /** What keeps the rest from being applied for now, in words. */
  readonly waiting: readonly string[]
  /** Objects written, by why. */
  readonly changed: readonly string[]
  readonly repaired: readonly string[]
  readonly pruned: readonly string[]
  /** What is wanted no more and was not deleted. */
  readonly spared: readonly Spared[]
  /** False when a newer snapshot cut the run short. */
  readonly finished: boolean
}

/** Objects written at a time. */
export const writeWidth = 16

/** A write that was begun is let finish, but not for ever. */
export function writeSignal(): AbortSignal {
  return AbortSignal.timeout(60_000)
}
