import { groupOf, type ObjectId } from '@groundswell/proto/object-id.ts'
import { AgentError } from '../errors.ts'
import { collectionPath, objectPath } from './api-path.ts'
import { readFault } from './fault.ts'
import type { Answer } from './http.ts'
import type { Labelled, LabelledLook, LiveObject, OwnerReference, Resource } from './port.ts'

type Get = (path: string, signal: AbortSignal, accept?: string) => Promise<Answer>

interface DiscoveryList {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string }
    readonly versions?: readonly {
      readonly version: string
      /** `Stale` while nobody answers for it. */
      readonly freshness?: string
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
const partial = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

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
 * What a namespace holds besides what Kubernetes puts into each: objects that go with their owner, are
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
  const { kinds, listed } = await readKinds(get, signal)
  const goesAlong = createOwnerLook(kinds, get, signal)
  for (const resource of listed) {
    for await (const { metadata } of listAll(resource, namespace, get, signal)) {
      if (metadata.deletionTimestamp || isStandard(resource.kind, metadata.name)) continue
      const { ownerReferences: owners = [] } = metadata
      if (owners.length > 0 && (await goesAlong(owners))) continue
      occupants.push({ group: resource.group, kind: resource.kind, namespace, name: metadata.name })
      if (occupants.length >= enough) return occupants
    }
  }
  return occupants
}

interface Definition {
  readonly group: string
  readonly scope: string
  readonly names: { readonly kind: string; readonly plural: string }
  readonly versions: readonly { readonly name: string; readonly served: boolean }[]
}

/**
 * Objects of a live definition's kind, in all namespaces; those that are being deleted are left out.
 *
 * @throws AgentError when they cannot be listed: then nobody knows what would be lost.
 */
export async function readInstances(
  definition: LiveObject,
  get: Get,
  signal: AbortSignal,
): Promise<readonly ObjectId[]> {
  const { group, scope, names, versions } = definition['spec'] as Definition
  const { kind, plural } = names
  const version = versions.find(({ served }) => served)?.name
  if (version === undefined) {
    const words = `${kind} is served in no version, so nobody can tell what would go with its definition`
    throw new AgentError('prune_refused', words)
  }
  const resource = { group, version, kind, plural, namespaced: scope === 'Namespaced' }
  const found: ObjectId[] = []
  for await (const { metadata } of listAll(resource, '', get, signal)) {
    if (metadata.deletionTimestamp) continue
    found.push({ group, kind, namespace: metadata.namespace ?? '', name: metadata.name })
    if (found.length >= enough) return found
  }
  return found
}

/**
 * Objects of any kind that bear a label with one of some values. Nothing is deleted by what this finds, so a kind
 * that cannot be listed keeps nobody from the rest: a broken webhook, or an API whose server is gone, may stay so for ever.
 *
 * @throws AgentError `cluster_unreachable`
 */
export async function readLabelled(
  label: string,
  values: readonly string[],
  get: Get,
  signal: AbortSignal,
): Promise<LabelledLook> {
  const objects: Labelled[] = []
  const unseen: string[] = []
  const counts = new Map<string, number>()
  const selector = `${label} in (${values.join(',')})`
  const { kinds } = await readKinds(get, signal, () => {})
  for (const resource of kinds.values()) {
    if (furniture.has(resource.kind)) continue
    const { group, kind } = resource
    try {
      for await (const { metadata } of listAll(resource, '', get, signal, selector)) {
        const { namespace = '', name, labels } = metadata
        const count = (counts.get(labels?.[label] ?? '') ?? 0) + 1
        counts.set(labels?.[label] ?? '', count)
        if (count <= enough) objects.push({ id: { group, kind, namespace, name }, metadata })
      }
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      // Whoever may not list a kind has applied none of it.
      if (error.code !== 'apply_forbidden') unseen.push(error.message)
    }
  }
  return { objects, unseen }
}

/**
 * Tells of owners whether what they own goes by itself: those of its namespace are among what is listed, and of
 * the whole cluster's none may be left. One of a kind that nobody serves is never known to have gone.
 */
function createOwnerLook(kinds: Kinds['kinds'], get: Get, signal: AbortSignal) {
  const looks = new Map<string, Promise<boolean>>()
  async function isThere(resource: Resource, { name, uid }: OwnerReference): Promise<boolean> {
    const id = { group: resource.group, kind: resource.kind, namespace: '', name }
    const answer = await get(objectPath(resource, id), signal, partial)
    if (answer.status === 404) return false
    if (answer.status !== 200) throw readFault(`get ${resource.kind} ${name}`, answer)
    const { metadata } = JSON.parse(answer.body) as LiveObject
    return metadata.uid === uid && !metadata.deletionTimestamp
  }
  return async (owners: readonly OwnerReference[]): Promise<boolean> => {
    for (const owner of owners) {
      const resource = kinds.get(`${groupOf(owner.apiVersion)}/${owner.kind}`)
      if (!resource) return false
      if (resource.namespaced) continue
      const look = looks.get(owner.uid) ?? isThere(resource, owner)
      looks.set(owner.uid, look)
      if (await look) return false
    }
    return true
  }
}

/** Every page: one object of nobody may come after thousands that have an owner. */
async function* listAll(
  resource: Resource,
  namespace: string,
  get: Get,
  signal: AbortSignal,
  labelSelector = '',
): AsyncGenerator<LiveObject> {
  let next = ''
  do {
    const query = new URLSearchParams({
      limit: String(pageSize),
      ...(labelSelector && { labelSelector }),
      ...(next && { continue: next }),
    })
    const path = `${collectionPath(resource, namespace)}?${query.toString()}`
    const answer = await get(path, signal, partialList)
    if (answer.status === 404 || answer.status === 405) return
    if (answer.status !== 200) {
      throw readFault(`list ${resource.plural}${namespace && ` in ${namespace}`}`, answer)
    }
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

function refuseSilent(groupVersion: string): never {
  const words = `discovery: nobody answers for ${groupVersion}, so what there is of it cannot be told`
  throw new AgentError('cluster_unreachable', words)
}

interface Kinds {
  /** By `group/kind`. */
  readonly kinds: ReadonlyMap<string, Resource>
  /** Of whose objects a namespace is looked through. */
  readonly listed: readonly Resource[]
}

async function readKinds(
  get: Get,
  signal: AbortSignal,
  onSilent: (groupVersion: string) => void = refuseSilent,
): Promise<Kinds> {
  const kinds = new Map<string, Resource>()
  const listed = new Map<string, Resource>()
  for (const path of ['/api', '/apis']) {
    const answer = await get(path, signal, discoveryAs)
    if (answer.status !== 200) throw readFault('discovery', answer)
    for (const { metadata, versions = [] } of (JSON.parse(answer.body) as DiscoveryList).items ??
      []) {
      const group = metadata?.name ?? ''
      for (const { version, freshness, resources = [] } of versions) {
        if (freshness === 'Stale' && resources.length === 0) onSilent(`${group}/${version}`)
        for (const { resource: plural, scope, responseKind, verbs = [] } of resources) {
          const kind = responseKind?.kind ?? ''
          const resource = { group, version, kind, plural, namespaced: scope === 'Namespaced' }
          if (!verbs.includes('list') || !verbs.includes('delete')) continue
          if (!kinds.has(`${group}/${kind}`)) kinds.set(`${group}/${kind}`, resource)
          if (!resource.namespaced || furniture.has(kind)) continue
          if (!listed.has(`${group}/${plural}`)) listed.set(`${group}/${plural}`, resource)
        }
      }
    }
  }
  return { kinds, listed: [...listed.values()] }
}
