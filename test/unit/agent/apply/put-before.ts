import { formatObjectId, groupOf } from '@groundswell/proto/object-id.ts'
import type { MemoryCluster } from '../../../support/memory-cluster.ts'
import type { TestObject } from '../../../support/verified-snapshot.ts'

/** Objects that another tool has put there; returns their UIDs by id. */
export async function putBefore(
  cluster: MemoryCluster,
  ...objects: readonly TestObject[]
): Promise<Map<string, string | undefined>> {
  const signal = new AbortController().signal
  const uids = new Map<string, string | undefined>()
  for (const object of objects) {
    const { apiVersion, kind, metadata } = object
    const resource = await cluster.resource(apiVersion, kind, signal)
    const { namespace = '', name } = metadata
    const id = { group: groupOf(apiVersion), kind, namespace, name }
    const options = { fieldManager: 'kubectl', force: false }
    const made = await cluster.apply(resource, id, JSON.stringify(object), options, signal)
    uids.set(formatObjectId(id), made.object.metadata.uid)
  }
  cluster.calls.length = 0
  return uids
}

/** Whose an object says it is; undefined when it says nothing, or is not there. */
export function ownerIn(cluster: MemoryCluster, id: string): string | undefined {
  return cluster.read(id)?.metadata.labels?.['groundswell.dev/application']
}
