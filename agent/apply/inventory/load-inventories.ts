import type { Observer } from '../../observe/observer.ts'
import { forEachBounded } from '../run/bounded.ts'
import { expectationOf } from '../write/expectation.ts'
import type { InventoryStore } from './inventory-store.ts'
import type { Tracked } from '../track/tracked.ts'

export interface LoadInventoriesDeps {
  readonly inventories: InventoryStore
  readonly observer: Pick<Observer, 'expect'>
  readonly onFault: (application: string, error: unknown) => void
}

const atOnce = 4

/** Every inventory is known before anything is watched, so that no drift goes unseen at start. */
export async function loadInventories(
  ones: readonly Tracked[],
  { inventories, observer, onFault }: LoadInventoriesDeps,
  signal: AbortSignal,
): Promise<void> {
  const unknown = ones.filter(({ inventory }) => inventory === undefined)
  await forEachBounded(unknown, atOnce, signal, async (one) => {
    try {
      one.inventory = await inventories.load(one.name, signal)
      const entries = [...one.inventory].map(
        ([id, entry]) =>
          [id, expectationOf(one.wanted, id, entry.apiVersion, entry.fieldsHash, entry)] as const,
      )
      observer.expect(one.name, new Map(entries))
    } catch (error) {
      if (!signal.aborted) onFault(one.name, error)
    }
  })
}
