import type { Clock } from '../../cluster/clock.ts'
import type { Observer } from '../../observe/observer.ts'
import type { ObjectDrift } from '../../observe/status.ts'
import type { Claims } from '../inventory/claims.ts'
import { type AgentIds, isAppliedHere, marks } from '../inventory/ownership.ts'
import type { Tracked } from '../track/tracked.ts'

/* Objects that were applied for an application, that nothing asks for any more, and that no inventory
   remembers: it was lost, or the cluster was restored to a time before. Nobody would ever delete them,
   and nothing but a signed removal may; so they are told. */

/** Since when each was noticed, by id. */
export type Strays = ReadonlyMap<string, number>

/**
 * Looks for them, when all that is asked for is there.
 *
 * @param pruned what was deleted or let go a moment ago: its last event may be under way.
 */
export function findStrays(
  { name, inventory, strays }: Pick<Tracked, 'name' | 'inventory' | 'strays'>,
  pruned: readonly string[],
  deps: StraysDeps,
): Strays {
  const { observer, claims, clock } = deps
  const found = [...observer.unexpected(name)]
    .filter(([id, owner]) => isAppliedHere(owner, deps) && !inventory?.has(id))
    .filter(([id]) => !pruned.includes(id) && claims().holder(id, '') === undefined)
    .map(([id]) => [id, strays.get(id) ?? clock.now()] as const)
  return found.length === 0 ? none : new Map(found)
}

export interface StraysDeps extends AgentIds {
  readonly observer: Pick<Observer, 'unexpected'>
  readonly claims: () => Claims
  readonly clock: Clock
}

/** Those that are still there, as differences from Git: our mark on what Git has not. */
export function toDrift(
  { name, strays }: Pick<Tracked, 'name' | 'strays'>,
  observer: Pick<Observer, 'unexpected'>,
): readonly ObjectDrift[] {
  if (strays.size === 0) return []
  const there = observer.unexpected(name)
  return [...strays]
    .filter(([id]) => there.has(id))
    .map(([object, firstSeen]) => ({
      ...{ object, missing: false, firstSeen },
      fields: [{ path, desired: '', live: words, manager: '' }],
    }))
}

export const none: Strays = new Map()

const path = `/metadata/labels/${marks.application.replaceAll('/', '~1')}`
const words = JSON.stringify(
  'it was applied from Git and is there no more, and no inventory has it: delete it, or take this label off',
)
