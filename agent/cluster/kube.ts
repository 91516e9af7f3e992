import type { ObjectId } from '@groundswell/proto/object-id.ts'
import { AgentError } from '../errors.ts'
import { apiVersionOf, objectPath } from './api-path.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Connection } from './connection.ts'
import { createDiscovery } from './discovery.ts'
import { applyFault, isAboutObject, pruneFault, readFault } from './fault.ts'
import {
  type Answer,
  type ApiClient,
  type ApiRequest,
  createApiClient,
  throwIfEnded,
} from './http.ts'
import { readInstances, readLabelled, readOccupants } from './occupants.ts'
import { readEvents, readPods } from './pods.ts'
import type { ApplyOptions, Cluster, LiveObject, Resource } from './port.ts'
import { readServed } from './served.ts'
import { listThenWatch } from './watch.ts'

export interface KubeOptions {
  readonly log?: (message: string, fields: Record<string, unknown>) => void
  readonly clock?: Clock
  /** Uniform in [0, 1); spreads retries. */
  readonly random?: () => number
  /** Asked before each write. Throws when another agent may have taken this one's place. */
  readonly mayWrite?: () => Promise<void>
  /** Sees every request, for tests and metrics. */
  readonly onRequest?: (method: string, path: string) => void
}

const attempts = 4
const retryMs = { first: 200, longest: 10_000 } as const

/** The real API server behind the Cluster port. Bodies go out and come back as they are. */
export function createKubeCluster(connection: Connection, options: KubeOptions = {}): Cluster {
  const clock = options.clock ?? systemClock
  const random = options.random ?? Math.random
  const client = createApiClient(connection)
  const sendAsAgent = createSender(client, clock, random, options)
  const getAsAgent = (path: string, signal: AbortSignal) =>
    sendAsAgent({ method: 'GET', path, signal })
  const discovery = createDiscovery(getAsAgent, () => clock.now())
  return createView({ client, clock, random, discovery, log: options.log }, sendAsAgent)
}

interface Shared {
  readonly client: ApiClient
  readonly clock: Clock
  readonly random: () => number
  readonly discovery: ReturnType<typeof createDiscovery>
  readonly log: KubeOptions['log']
}

/** The cluster as seen by the agent, or by a ServiceAccount it asks in the name of. */
function createView(shared: Shared, sendAsAgent: Send, account?: string): Cluster {
  const { client, clock, random, discovery, log } = shared
  const impersonate = account && `system:serviceaccount:${account.replace('/', ':')}`
  const send: Send = (request) => sendAsAgent({ ...request, ...(impersonate && { impersonate }) })
  const asWhom = account === undefined ? '' : `as ServiceAccount ${account}: `
  const get = (path: string, signal: AbortSignal, accept?: string) =>
    send({ method: 'GET', path, signal, ...(accept && { accept }) })

  /** Server-side apply. @throws AgentError when it is refused */
  async function patch(
    resource: Resource,
    id: ObjectId,
    json: string,
    { fieldManager, force, dryRun }: ApplyOptions,
    signal: AbortSignal,
  ): Promise<Answer> {
    const query = new URLSearchParams({
      ...(dryRun && { dryRun: 'All' }),
      fieldManager,
      force: String(force),
      fieldValidation: 'Strict',
    })
    const answer = await send({
      method: 'PATCH',
      path: `${objectPath(resource, id)}?${query.toString()}`,
      body: json,
      contentType: 'application/apply-patch+yaml',
      signal,
    })
    if (answer.status !== 200 && answer.status !== 201) throw applyFault(id, answer, asWhom)
    return answer
  }

  /**
   * Whether a refusal means that the object is there no more: 404, or 409 when another bears its name by now.
   * A webhook may answer 409 too, so that is looked at.
   */
  async function isGone(
    resource: Resource,
    id: ObjectId,
    uid: string,
    { status }: Answer,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (status !== 409) return status === 404
    const now = await get(objectPath(resource, id), signal)
    if (now.status === 404) return true
    if (now.status !== 200) throw readFault(`get ${resource.kind} ${id.name}`, now)
    return parseObject(now).metadata.uid !== uid
  }

  return {
    async uid(signal) {
      const answer = await get('/api/v1/namespaces/kube-system', signal)
      if (answer.status !== 200) throw readFault('namespace kube-system', answer)
      const uid = parseObject(answer).metadata.uid
      if (!uid) throw new AgentError('cluster_unreachable', 'namespace kube-system has no uid')
      return uid
    },

    async facts(signal) {
      // One after the other: another connection takes longer than its answer.
      const version = await get('/version', signal)
      if (version.status !== 200) throw readFault('version', version)
      const nodes = await get('/api/v1/nodes?limit=1', signal, partialList)
      if (nodes.status !== 200) throw readFault('list nodes', nodes)
      const list = JSON.parse(nodes.body) as {
        metadata: { remainingItemCount?: number }
        items?: unknown[]
      }
      const apis = await readServed(get, signal).catch((error: unknown) => {
        signal.throwIfAborted()
        log?.('what the API server serves cannot be listed', { err: error })
        return undefined
      })
      return {
        ...(apis && { apis }),
        kubernetesVersion: (JSON.parse(version.body) as { gitVersion: string }).gitVersion,
        nodes: (list.items?.length ?? 0) + (list.metadata.remainingItemCount ?? 0),
      }
    },

    resource: (apiVersion, kind, signal) => discovery.resource(apiVersion, kind, signal),
    servedAs: (group, kind, signal) => discovery.servedAs(group, kind, signal),
    forgetResources: () => discovery.forget(),

    async get(resource, id, signal) {
      const answer = await get(objectPath(resource, id), signal)
      if (answer.status === 404) {
        if (isAboutObject(answer)) return undefined
        const what = `${apiVersionOf(resource)} ${resource.kind}`
        throw new AgentError('kind_unknown', `${what} is not served by this cluster any more`)
      }
      if (answer.status !== 200) throw readFault(`get ${resource.kind} ${id.name}`, answer)
      return parseObject(answer)
    },

    async apply(resource, id, json, options, signal) {
      const answer = await patch(resource, id, json, options, signal)
      return { object: parseObject(answer), created: answer.status === 201 }
    },

    async dryRun(resource, id, json, options, signal) {
      const answer = await patch(resource, id, json, { ...options, dryRun: true }, signal)
      return { object: parseObject(answer), warnings: answer.warnings ?? [] }
    },

    async delete(resource, id, uid, signal, version) {
      const answer = await send({
        method: 'DELETE',
        path: objectPath(resource, id),
        body: JSON.stringify({
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          propagationPolicy: 'Background',
          preconditions: { uid, ...(version !== undefined && { resourceVersion: version }) },
        }),
        contentType: 'application/json',
        signal,
      })
      if (answer.status >= 300) {
        if (await isGone(resource, id, uid, answer, signal)) return undefined
        const fault = pruneFault(id, answer, asWhom)
        const isConflict = answer.status === 409 && version !== undefined
        throw isConflict ? new AgentError('apply_conflict', fault.message) : fault
      }
      const left = parseObject(answer)
      return left.metadata?.deletionTimestamp ? left : undefined
    },

    async disown(resource, id, uid, marks, signal) {
      const drop = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, null]))
      const answer = await send({
        method: 'PATCH',
        path: objectPath(resource, id),
        body: JSON.stringify({
          metadata: { uid, labels: drop(marks.labels), annotations: drop(marks.annotations) },
        }),
        contentType: 'application/merge-patch+json',
        signal,
      })
      if (answer.status >= 300 && !(await isGone(resource, id, uid, answer, signal))) {
        throw applyFault(id, answer, asWhom)
      }
    },

    async setManagedFields(resource, id, read, managedFields, signal) {
      const answer = await send({
        method: 'PATCH',
        path: objectPath(resource, id),
        body: JSON.stringify([
          { op: 'replace', path: '/metadata/managedFields', value: managedFields },
          {
            op: 'replace',
            path: '/metadata/resourceVersion',
            value: read.metadata.resourceVersion,
          },
        ]),
        contentType: 'application/json-patch+json',
        signal,
      })
      if (answer.status >= 300) throw applyFault(id, answer, asWhom)
    },

    as: (account) => createView(shared, sendAsAgent, account),

    occupants: (namespace, signal) => readOccupants(namespace, get, signal),
    labelled: (label, values, signal) => readLabelled(label, values, get, signal),
    instances: (definition, signal) => readInstances(definition, get, signal),

    pods: (namespace, labelSelector, signal) => readPods(namespace, labelSelector, get, signal),
    events: (namespace, uid, signal) => readEvents(namespace, uid, get, signal),

    watch: (resource, labelSelector, signal) =>
      listThenWatch(resource, labelSelector, { client, get, clock, random, log }, signal),

    close: () => client.close(),
  }
}

const partialList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

type Send = (request: ApiRequest) => Promise<Answer>

/** Waits and asks again when the server is busy or failing; every request we make may be repeated. */
function createSender(
  client: ApiClient,
  clock: Clock,
  random: () => number,
  { mayWrite, onRequest }: Pick<KubeOptions, 'mayWrite' | 'onRequest'>,
): Send {
  return async (request) => {
    for (let attempt = 1; ; attempt += 1) {
      if (request.method !== 'GET') await mayWrite?.()
      onRequest?.(request.method, request.path)
      let answer: Answer | undefined
      let fault: unknown
      try {
        answer = await client.send(request)
        if (!isPassing(answer)) return answer
      } catch (error) {
        throwIfEnded(request.signal)
        fault = error
      }
      if (attempt >= attempts) {
        if (answer) return answer
        throw fault
      }
      const backoff = retryMs.first * 2 ** attempt * (0.5 + random() / 2)
      const asked = Math.min(answer?.retryAfter ?? 0, retryMs.longest)
      await clock.sleep(Math.max(asked, backoff), request.signal).catch((error: unknown) => {
        throwIfEnded(request.signal)
        throw error
      })
    }
  }
}

/** A plain 500 is the server's answer to what it was sent, such as a webhook that cannot be reached. */
function isPassing({ status, retryAfter }: Answer): boolean {
  return status === 429 || status > 500 || (status === 500 && retryAfter !== undefined)
}

function parseObject(answer: Answer): LiveObject {
  return JSON.parse(answer.body) as LiveObject
}
