import type { ObjectId } from '@groundswell/proto/object-id.ts'
import { collectionPath } from './api-path.ts'
import { readFault } from './fault.ts'
import type { Answer } from './http.ts'
import type { LiveObject, Resource } from './port.ts'

type Get = (path: string, signal: AbortSignal, accept?: string) => Promise<Answer>

interface DiscoveryList {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string }
    readonly versions?: readonly {
      readonly version: string
      readonly resources?: readonly {
        readonly resource: string
        readonly scope: string
        readonly responseKind?: { readonly kind: string }
        readonly verbs?: readonly string[]
      }[]
    }[]
  }[]
}

const discoveryAs = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
const partialList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

const pageSize = 500
/** Objects after which no more are looked for: the namespace stays for the first of them. */
const enough = 1_000

/** Kinds every namespace has, or that come and go with others. */
const furniture = new Set([
  'Event',
  'Endpoints',
  'EndpointSlice',
  'PodMetrics',
  'ControllerRevision',
])

/**
 * What a namespace holds besides what Kubernetes puts into each: objects that have an owner, are
 * being deleted, or are the default service account and root certificate are left out. Two
 * discovery requests and the metadata of each kind, so only for the rare deletion of a namespace.
 *
 * @throws AgentError when any kind cannot be listed: then nobody knows what would be lost.
 */
export async function readOccupants(
  namespace: string,
  get: Get,
  signal: AbortSignal,
): Promise<readonly ObjectId[]> {
  const occupants: ObjectId[] = []
  for (const resource of await readNamespaced(get, signal)) {
    for await (const { metadata } of listAll(resource, namespace, get, signal)) {
      const owned = metadata.ownerReferences?.length
      if (owned || metadata.deletionTimestamp || isStandard(resource.kind, metadata.name)) continue
      occupants.push({ group: resource.group, kind: resource.kind, namespace, name: metadata.name })
      if (occupants.length >= enough) return occupants
    }
  }
  return occupants
}

/** Every page: one object of nobody may come after thousands that have an owner. */
async function* listAll(
  resource: Resource,
  namespace: string,
  get: Get,
  signal: AbortSignal,
): AsyncGenerator<LiveObject> {
  let next = ''
  do {
    const query = new URLSearchParams({ limit: String(pageSize), ...(next && { continue: next }) })
    const path = `${collectionPath(resource, namespace)}?${query.toString()}`
    const answer = await get(path, signal, partialList)
    if (answer.status === 404 || answer.status === 405) return
    if (answer.status !== 200) throw readFault(`list ${resource.plural} in ${namespace}`, answer)
    const page = JSON.parse(answer.body) as {
      readonly metadata?: { readonly continue?: string }
      readonly items?: readonly LiveObject[]
    }
    yield* page.items ?? []
    next = page.metadata?.continue ?? ''
  } while (next !== '')
}

function isStandard(kind: string, name: string): boolean {
  return (
    (kind === 'ServiceAccount' && name === 'default') ||
    (kind === 'ConfigMap' && name === 'kube-root-ca.crt')
  )
}

async function readNamespaced(get: Get, signal: AbortSignal): Promise<Resource[]> {
  const found = new Map<string, Resource>()
  for (const path of ['/api', '/apis']) {
    const answer = await get(path, signal, discoveryAs)
    if (answer.status !== 200) throw readFault('discovery', answer)
    for (const group of (JSON.parse(answer.body) as DiscoveryList).items ?? []) {
      const name = group.metadata?.name ?? ''
      for (const { version, resources } of group.versions ?? []) {
        for (const { resource, scope, responseKind, verbs } of resources ?? []) {
          const kind = responseKind?.kind ?? ''
          const key = `${name}/${resource}`
          if (scope !== 'Namespaced' || !verbs?.includes('list') || !verbs.includes('delete'))
            continue
          if (furniture.has(kind) || found.has(key)) continue
          found.set(key, { group: name, version, kind, plural: resource, namespaced: true })
        }
      }
    }
  }
  return [...found.values()]
}
