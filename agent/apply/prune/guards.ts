import { describeObject, parseObjectId } from '@groundswell/proto/object-id.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import type { LiveObject } from '../../cluster/port.ts'
import { AgentError } from '../../errors.ts'
import type { Claims } from '../inventory/claims.ts'
import type { ApplyDeps } from '../deps.ts'
import { isDefinition } from '../run/order.ts'

/* Why an object stays though its application wants it no more: for the sake of what would go with it, or of
   who has it by now. */

const shownObjects = 5

/** Whether an object is of a group of which there is a definition among these. */
export function createInstanceTest(ids: readonly string[]): (id: string) => boolean {
  // A definition's name is its plural, and its group.
  const names = ids.filter(isDefinition).map((id) => parseObjectId(id).name)
  const groups = new Set(names.map((name) => name.slice(name.indexOf('.') + 1)))
  return (id) => groups.has(parseObjectId(id).group)
}

/** Whether a controller has it, as an operator has a Secret that was handed to it: it goes with its owner. */
export function isControlled({ metadata }: LiveObject): boolean {
  return metadata.ownerReferences?.some(({ controller }) => controller === true) ?? false
}

/** @throws AgentError `prune_refused` with what would go with a namespace. */
export async function refuseOccupied(
  namespace: LiveObject,
  cluster: ApplyDeps['cluster'],
  signal: AbortSignal,
): Promise<void> {
  const occupants = await cluster.occupants(namespace.metadata.name, signal)
  if (occupants.length === 0) return
  const named = listShown(occupants.map(describeObject))
  throw new AgentError('prune_refused', `namespace still holds ${named}`)
}

/**
 * What a definition waits for, in words, since the API server would delete it as well: objects of its kind that
 * other applications ask for, and any that are there. Those of its own application went before it.
 *
 * @throws AgentError when they cannot be listed: then nobody knows what would be lost.
 */
export async function whyDefinitionStays(
  definition: LiveObject,
  id: string,
  application: string,
  { cluster, claims }: Pick<ApplyDeps, 'cluster' | 'claims'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const name = describeObject(parseObjectId(id))
  const users = usersOf(definition, application, claims)
  if (users.length > 0) {
    return `${name} is not deleted while other applications have objects of its kind, which would go with it: ${listShown(users)}. Remove those first, or give one of them the definition`
  }
  const there = await cluster.instances(definition, signal)
  if (there.length === 0) return undefined
  return `${name} is not deleted while there are objects of its kind, which would go with it: ${listShown(there.map(describeObject))}. Delete those first, or take its label groundswell.dev/application off`
}

/** Applications whose objects the API server would delete with a definition. */
function usersOf({ spec }: LiveObject, application: string, claims: Claims): readonly string[] {
  if (!isRecord(spec) || !isRecord(spec['names'])) return []
  const [group, kind] = [spec['group'], spec['names']['kind']]
  if (typeof group !== 'string' || typeof kind !== 'string') return []
  return claims.users(group, kind, application)
}

function listShown(names: readonly string[]): string {
  const more = names.length - shownObjects
  return names.slice(0, shownObjects).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
