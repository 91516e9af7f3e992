import type { Manifest, ManifestObject } from '@groundswell/proto/manifest.ts'
import { formatObjectId, type ObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import { isScaledByOther } from '../../observe/drift.ts'
import type { Recalled } from '../../observe/observer.ts'
import type { VerifiedPresent } from '../../trust/verified.ts'
import type { ApplyDeps } from '../deps.ts'
import type { Inventory } from '../inventory/inventory.ts'
import { fieldManager } from '../inventory/ownership.ts'
import { composeBody } from './write.ts'

/**
 * Finds out which fields of an object are ours and what they should hold, when only a hash of them
 * was kept: by asking the API server what our apply would come to. Undefined when the object is
 * gone, or when its content is due to be written anyway.
 *
 * @throws AgentError when the API server cannot say.
 */
export async function recallObject(
  app: VerifiedPresent,
  id: string,
  inventory: Inventory | undefined,
  deps: Pick<ApplyDeps, 'cluster' | 'clusterId' | 'open'>,
  signal: AbortSignal,
): Promise<Recalled | undefined> {
  const { cluster } = deps
  const parsed = parseObjectId(id)
  const source = findSource(app.manifest, parsed)
  if (!source || inventory?.get(id)?.digest !== source.digest) return undefined
  const resource = await cluster.resource(source.apiVersion, parsed.kind, signal)
  const live = await cluster.get(resource, parsed, signal)
  if (!live) return undefined
  const wanted = { id, parsed, resource, source }
  const { json } = await composeBody(wanted, app, isScaledByOther(live), deps)
  const options = { fieldManager, force: true, dryRun: true }
  const { object: applied } = await cluster.apply(resource, parsed, json, options, signal)
  return { live, applied }
}

/** The object of a manifest that lives under an id: by its own namespace, or by the application's. */
function findSource({ objects }: Manifest, wanted: ObjectId): ManifestObject | undefined {
  const { group, kind, namespace, name } = wanted
  const isMeant = ({ id }: ManifestObject): boolean => {
    const own = parseObjectId(id)
    const same = own.group === group && own.kind === kind && own.name === name
    return same && (own.namespace === namespace || own.namespace === '')
  }
  return objects.find(({ id }) => id === formatObjectId(wanted)) ?? objects.find(isMeant)
}
