import { randomUUID } from 'node:crypto'
import { formatObjectId, groupOf, type ObjectId } from '@groundswell/proto/object-id.ts'
import { AgentError } from '../../agent/errors.ts'
import { idOf } from '../../agent/observe/object-record.ts'
import type { Cluster, LiveObject, Resource, WatchEvent } from '../../agent/cluster/port.ts'
import { mergeApplied, updateOwners } from './memory-apply.ts'

export interface MemoryClusterOptions {
  readonly uid?: string
  /** Called with each object as it is stored; returns what its controllers make of it. */
  readonly settle?: (object: LiveObject) => LiveObject
  /** Cluster-scoped kinds besides the built-in ones. */
  readonly clusterScoped?: readonly string[]
  /** What others in whose name the agent asks see; the same when left out. */
  readonly as?: (serviceAccount: string) => Cluster
  /** Throws to refuse an apply. */
  readonly admit?: (id: ObjectId, body: LiveObject) => void
  /** What cannot be listed of all kinds. */
  readonly unseen?: () => readonly string[]
  /** What is said beside the answer to a dry run. */
  readonly warn?: (id: ObjectId, body: LiveObject) => readonly string[]
}

export interface MemoryCluster extends Cluster {
  /** What was asked of it, in order: `apply apps/Deployment/shop/web`. */
  readonly calls: string[]
  read(id: string): LiveObject | undefined
  /** Another manager's change, as `kubectl edit` would make it. */
  edit(id: string, manager: string, change: (object: LiveObject) => LiveObject): void
  /** Another's deletion. */
  drop(id: string): void
  /** Keeps what is there now; the function it returns puts that back, and ends all watches. */
  backup(): () => void
}

const clusterScoped = new Set([
  'Namespace',
  'Node',
  'CustomResourceDefinition',
  'ClusterRole',
  'ClusterRoleBinding',
  'StorageClass',
  'PriorityClass',
  'IngressClass',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
])

interface Definition {
  readonly group?: string
  readonly names?: { readonly kind?: string }
  readonly scope?: string
}

interface Watcher {
  readonly group: string
  readonly kind: string
  readonly label: string
  push(event: WatchEvent): void
  end(): void
}

/**
 * A Kubernetes of one process: keeps objects, versions, generations and field owners much as the
 * API server does, without schemas, defaults or admission, so that many agents fit on one machine.
 */
export function createMemoryCluster(options: MemoryClusterOptions = {}): MemoryCluster {
  const objects = new Map<string, LiveObject>()
  const watchers = new Set<Watcher>()
  const calls: string[] = []
  const settle = options.settle ?? settleAtOnce
  let version = 1

  const store = (id: string, object: LiveObject, type: 'added' | 'modified') => {
    const before = objects.get(id)
    const changed = JSON.stringify(before?.['spec']) !== JSON.stringify(object['spec'])
    const generation = (before?.metadata.generation ?? 0) + (changed || !before ? 1 : 0)
    const uid = before?.metadata.uid ?? randomUUID()
    const metadata = {
      ...object.metadata,
      uid,
      generation,
      resourceVersion: String((version += 1)),
    }
    const settled = settle({ ...object, metadata })
    objects.set(id, settled)
    tell({ type, object: settled }, before)
    return settled
  }
  const remove = (id: string) => {
    const object = objects.get(id)
    if (!object) return
    objects.delete(id)
    tell({ type: 'deleted', object })
    const { names, group } = (object['spec'] ?? {}) as Definition
    const goesAlong = ({ apiVersion, kind, metadata }: LiveObject): boolean => {
      if (object.kind === 'Namespace') return metadata.namespace === object.metadata.name
      if (object.kind !== 'CustomResourceDefinition') return false
      return kind === names?.kind && groupOf(apiVersion) === group
    }
    for (const [id, one] of [...objects]) if (goesAlong(one)) remove(id)
  }
  const tell = (event: Extract<WatchEvent, { object: LiveObject }>, before?: LiveObject) => {
    const { object } = event
    for (const watcher of watchers) {
      if (watcher.group !== groupOf(object.apiVersion) || watcher.kind !== object.kind) continue
      const has = (one?: LiveObject) => one?.metadata.labels?.[watcher.label] !== undefined
      if (has(object)) watcher.push(event)
      // To who goes by the label, what lost it is gone.
      else if (has(before)) watcher.push({ type: 'deleted', object })
    }
  }

  const cluster: MemoryCluster = {
    calls,
    read: (id) => objects.get(id),
    edit(id, manager, change) {
      const before = objects.get(id)
      if (!before) throw new Error(`no object ${id}`)
      const after = change(structuredClone(before))
      const { deletionTimestamp, finalizers = [] } = after.metadata
      if (deletionTimestamp && finalizers.length === 0) return remove(id)
      const managedFields = updateOwners(before, after, manager)
      store(id, { ...after, metadata: { ...after.metadata, managedFields } }, 'modified')
    },
    drop: remove,
    backup() {
      const kept = new Map(objects)
      return () => {
        objects.clear()
        for (const [id, object] of kept) objects.set(id, object)
        for (const watcher of [...watchers]) watcher.end()
      }
    },
    uid: async () => options.uid ?? 'memory-cluster',
    facts: async () => ({ kubernetesVersion: 'v0.0.0-memory', nodes: 1 }),
    async resource(apiVersion, kind): Promise<Resource> {
      const group = groupOf(apiVersion)
      const definition = [...objects.values()].find(
        ({ kind: of, spec }) =>
          of === 'CustomResourceDefinition' && (spec as Definition).names?.kind === kind,
      )
      const { scope } = (definition?.['spec'] ?? {}) as Definition
      const wide = [...clusterScoped, ...(options.clusterScoped ?? [])].includes(kind)
      return {
        group,
        version: group ? apiVersion.slice(group.length + 1) : apiVersion,
        kind,
        plural: `${kind.toLowerCase()}s`,
        namespaced: scope ? scope === 'Namespaced' : !wide,
      }
    },
    servedAs: async () => undefined,
    async get(_resource, id) {
      calls.push(`get ${formatObjectId(id)}`)
      return objects.get(formatObjectId(id))
    },
    async apply(_resource, id, json, { fieldManager, dryRun }, signal) {
      signal.throwIfAborted()
      const key = formatObjectId(id)
      calls.push(`${dryRun ? 'try' : 'apply'} ${key}`)
      if (id.namespace && !objects.has(`/Namespace//${id.namespace}`)) {
        throw new AgentError('apply_failed', `namespaces "${id.namespace}" not found`)
      }
      const body = JSON.parse(json) as LiveObject
      options.admit?.(id, body)
      const before = objects.get(key)
      const merged = mergeApplied(before, body, fieldManager)
      const created = before === undefined
      if (dryRun) return { object: merged, created }
      return { object: store(key, merged, created ? 'added' : 'modified'), created }
    },
    async dryRun(_resource, id, json, { fieldManager }, signal) {
      signal.throwIfAborted()
      const key = formatObjectId(id)
      calls.push(`dry-run ${key}`)
      if (id.namespace && !objects.has(`/Namespace//${id.namespace}`)) {
        throw new AgentError('apply_failed', `namespaces "${id.namespace}" not found`)
      }
      const body = JSON.parse(json) as LiveObject
      options.admit?.(id, body)
      const warnings = options.warn?.(id, body) ?? []
      return { object: mergeApplied(objects.get(key), body, fieldManager), warnings }
    },
    async delete(_resource, id, uid) {
      const key = formatObjectId(id)
      calls.push(`delete ${key}`)
      const found = objects.get(key)
      if (found?.metadata.uid !== uid) return undefined
      if (!found.metadata.finalizers?.length) {
        remove(key)
        return undefined
      }
      const metadata = { ...found.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' }
      return store(key, { ...found, metadata }, 'modified')
    },
    async disown(_resource, id, uid, marks) {
      const key = formatObjectId(id)
      calls.push(`disown ${key}`)
      const before = objects.get(key)
      if (before?.metadata.uid !== uid) return
      const without = (from: Readonly<Record<string, string>> = {}, keys: readonly string[]) =>
        Object.fromEntries(Object.entries(from).filter(([name]) => !keys.includes(name)))
      const labels = without(before.metadata.labels, marks.labels)
      const annotations = without(before.metadata.annotations, marks.annotations)
      store(key, { ...before, metadata: { ...before.metadata, labels, annotations } }, 'modified')
    },
    async setManagedFields(_resource, id, read, managedFields) {
      const key = formatObjectId(id)
      calls.push(`own ${key}`)
      store(key, { ...read, metadata: { ...read.metadata, managedFields } }, 'modified')
    },
    as: (account) => (options.as ? options.as(account) : cluster),
    async occupants(namespace) {
      return [...objects.values()]
        .filter(({ metadata }) => metadata.namespace === namespace)
        .map(({ apiVersion, kind, metadata: { name } }) => {
          return { group: groupOf(apiVersion), kind, namespace, name }
        })
    },
    async labelled(label, values) {
      calls.push(`list ${label} in ${values.join()}`)
      const found = [...objects.values()]
        .filter(({ metadata: { labels } }) => values.includes(labels?.[label] ?? ''))
        .map(({ apiVersion, kind, metadata }) => {
          const { namespace = '', name } = metadata
          return { id: { group: groupOf(apiVersion), kind, namespace, name }, metadata }
        })
      return { objects: found, unseen: options.unseen?.() ?? [] }
    },
    async instances(definition) {
      const { group, names } = definition['spec'] as Definition
      return [...objects.values()]
        .filter(({ apiVersion, kind }) => kind === names?.kind && groupOf(apiVersion) === group)
        .filter(({ metadata }) => !metadata.deletionTimestamp)
        .map(({ kind, metadata: { name, namespace = '' } }) => {
          return { group: group ?? '', kind, namespace, name }
        })
    },
    async pods(namespace, labelSelector) {
      calls.push(`pods ${namespace} ${labelSelector}`)
      const wanted = labelSelector.split(',').map((pair) => pair.split('='))
      return [...objects.values()].filter(
        ({ kind, metadata: { namespace: home, labels } }) =>
          kind === 'Pod' &&
          home === namespace &&
          wanted.every(([key, value]) => labels?.[key!] === value),
      )
    },
    async events(namespace, uid) {
      calls.push(`events ${namespace}`)
      return [...objects.values()].filter(
        ({ kind, involvedObject }) =>
          kind === 'Event' && (involvedObject as { uid?: string } | undefined)?.uid === uid,
      )
    },
    watch: (resource, label, signal) => watchMemory(resource, label, objects, watchers, signal),
    forgetResources: () => undefined,
    close: async () => undefined,
  }
  return cluster
}

async function* watchMemory(
  { group, kind }: Resource,
  label: string,
  objects: ReadonlyMap<string, LiveObject>,
  watchers: Set<Watcher>,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const mine = [...objects.values()].filter(
    (object) =>
      groupOf(object.apiVersion) === group &&
      object.kind === kind &&
      object.metadata.labels?.[label] !== undefined,
  )
  const waiting: WatchEvent[] = [
    { type: 'listed', objects: mine },
    { type: 'synced', ids: new Set(mine.map(idOf)) },
  ]
  let wake = Promise.withResolvers<void>()
  const restored = new AbortController()
  const watcher: Watcher = {
    group,
    kind,
    label,
    push(event) {
      waiting.push(event)
      wake.resolve()
    },
    end() {
      restored.abort()
      wake.resolve()
    },
  }
  const stop = () => wake.resolve()
  watchers.add(watcher)
  signal.addEventListener('abort', stop, { once: true })
  try {
    while (!signal.aborted && !restored.signal.aborted) {
      yield* waiting.splice(0)
      if (waiting.length > 0) continue
      await wake.promise
      wake = Promise.withResolvers()
    }
  } finally {
    watchers.delete(watcher)
    signal.removeEventListener('abort', stop)
  }
}

/** Controllers that are done before anybody looks. */
export function settleAtOnce(object: LiveObject): LiveObject {
  const { generation } = object.metadata
  if (object.kind === 'CustomResourceDefinition') {
    const conditions = [{ type: 'Established', status: 'True', reason: 'InitialNamesAccepted' }]
    return { ...object, status: { conditions } }
  }
  if (groupOf(object.apiVersion) !== 'apps') return object
  const wanted = (object['spec'] as { replicas?: number } | undefined)?.replicas ?? 1
  return {
    ...object,
    status: {
      observedGeneration: generation,
      replicas: wanted,
      updatedReplicas: wanted,
      readyReplicas: wanted,
      availableReplicas: wanted,
      currentReplicas: wanted,
      desiredNumberScheduled: 1,
      currentNumberScheduled: 1,
      updatedNumberScheduled: 1,
      numberAvailable: 1,
      numberReady: 1,
      conditions: [
        { type: 'Available', status: 'True' },
        { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
      ],
    },
  }
}
