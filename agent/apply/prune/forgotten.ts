import { describeObject, formatObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import { isPruneGuarded } from '@groundswell/proto/prune-guard.ts'
import type { Labelled } from '../../cluster/port.ts'
import { AgentError } from '../../errors.ts'
import type { ApplyDeps } from '../deps.ts'
import {
  fieldManager,
  inventoryIdOf,
  isAppliedHere,
  marks,
  systemNamespace,
} from '../inventory/ownership.ts'
import { sortSpared } from './sparing.ts'
import type { VerifiedRemoved } from '../../trust/verified.ts'

const shownObjects = 5
/** Less than a run may be without an answer before it has failed. */
const patienceMs = 2 * 60_000
const looks = 'all kinds to be listed'

/**
 * Refuses to call an application removed of which there is no inventory, and whose objects are there all the same:
 * it was lost, and only a difference from an inventory deletes. Kinds are looked through live, since nobody knows
 * which ones it had; so this is for the rare removal with nothing to delete.
 *
 * @throws AgentError `prune_failed` with what is left, `cluster_unreachable`
 */
export async function refuseForgotten(app: VerifiedRemoved, deps: ApplyDeps): Promise<void> {
  const application = app.name
  const { objects, unseen } = await deps.labelled(application)
  const entries = objects
    .filter((one) => isForgotten(one, application, deps))
    .map(({ id }) => ({ ...unknown, id: formatObjectId(id) }))
  // As from an inventory: what others are to get, or what may have been there before, stays without a word.
  const left = sortSpared(entries, app).doomed
  if (left.length === 0) {
    // What is a fault of the moment is not taken for none; what stays broken keeps no removal from ending.
    if (unseen.length === 0 || deps.waited(looks) >= patienceMs) return
    const words = `whether anything is left that no inventory has cannot be told: ${unseen[0]}`
    throw new AgentError('cluster_unreachable', words)
  }
  const names = left.slice(0, shownObjects).map(({ id }) => describeObject(parseObjectId(id)))
  const more = left.length - names.length
  const { name } = inventoryIdOf(application)
  throw new AgentError(
    'prune_failed',
    `no inventory has what is to be deleted (ConfigMap ${systemNamespace}/${name} is gone), and there still is ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}: delete what bears the label ${marks.application}=${application}, or take that label off`,
  )
}

const unknown = { apiVersion: '', uid: '', digest: '', fieldsHash: '' } as const

/** As for what is left behind beside an application that stays: applied by us, and nobody's by now. */
function isForgotten({ id, metadata }: Labelled, application: string, deps: ApplyDeps): boolean {
  const { annotations, ownerReferences = [], managedFields = [], deletionTimestamp } = metadata
  return (
    isAppliedHere({ cluster: annotations?.[marks.cluster] ?? '' }, deps) &&
    managedFields.some(({ manager }) => manager === fieldManager) &&
    ownerReferences.length === 0 &&
    !deletionTimestamp &&
    !isPruneGuarded(annotations) &&
    (deps.claims.holder(formatObjectId(id), '') ?? application) === application
  )
}
