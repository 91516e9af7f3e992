import { formatObjectId } from '@groundswell/proto/object-id.ts'
import { AgentError } from '../errors.ts'
import { apiVersionOf, collectionPath } from './api-path.ts'
import type { Clock } from './clock.ts'
import { readFault } from './fault.ts'
import type { ApiClient, Answer } from './http.ts'
import type { LiveObject, Resource, WatchEvent } from './port.ts'

export interface WatchDeps {
  readonly client: Pick<ApiClient, 'lines'>
  readonly get: (path: string, signal: AbortSignal) => Promise<Answer>
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** How long a watch may say nothing, in milliseconds; the usual when absent. */
  readonly silenceMs?: number
  readonly log?: ((message: string, fields: Record<string, unknown>) => void) | undefined
}

const pageSize = 500
const relistMs = 600_000
/** Bookmarks come about once a minute, so longer silence means a dead connection. */
const idleMs = 100_000
const backoffMs = { first: 250, last: 30_000 } as const
/** A control plane that is upgraded may be away for a minute or two. */
const lostAfterMs = 180_000

interface RawEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: LiveObject & { readonly code?: number; readonly message?: string }
}

/**
 * List, then watch from there, for ever: the one way to know what lives without polling. The list
 * is read anew when the server has forgotten where we were (410), and every 10 minutes in case a
 * watch went quiet without ending. Ends when the signal does; never throws for the cluster's sake.
 */
export async function* listThenWatch(
  resource: Resource,
  labelSelector: string,
  deps: WatchDeps,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const { silenceMs = idleMs } = deps
  let failures = 0
  /** Since when nothing was heard; undefined once it was said that all of it may be old. */
  let heardAt: number | undefined = deps.clock.now()
  const hear = () => {
    heardAt = deps.clock.now()
  }
  const isLost = () => {
    if (heardAt === undefined || deps.clock.now() - heardAt < lostAfterMs) return false
    heardAt = undefined
    return true
  }
  const pause = async (error: unknown) => {
    const ceiling = Math.min(backoffMs.last, backoffMs.first * 2 ** Math.min(failures, 12))
    failures += 1
    deps.log?.('watch will be tried again', { kind: resource.kind, failures, error })
    try {
      await deps.clock.sleep(ceiling * (0.5 + deps.random() / 2), signal)
    } catch {
      // Only the signal ends it early, and the loop looks at that itself.
    }
  }
  while (!signal.aborted) {
    let version: string | undefined
    try {
      const ids = new Set<string>()
      for await (const page of listPages(resource, labelSelector, deps, signal)) {
        for (const object of page.objects) ids.add(idOf(resource, object))
        yield { type: 'listed', objects: page.objects }
        version = page.version
      }
      hear()
      yield { type: 'synced', ids }
    } catch (error) {
      if (!signal.aborted) await pause(error)
      if (!signal.aborted && isLost()) yield { type: 'lost', reason: wordsOf(error) }
      continue
    }
    const relistAt = deps.clock.now() + relistMs * (0.9 + 0.2 * deps.random())
    while (version !== undefined && !signal.aborted && deps.clock.now() < relistAt) {
      try {
        const path = watchPath(resource, labelSelector, version, relistAt - deps.clock.now())
        for await (const line of deps.client.lines(path, silenceMs, signal)) {
          const { type, object } = JSON.parse(line) as RawEvent
          if (type === 'ERROR') throw refusal(object)
          failures = 0
          hear()
          version = object.metadata.resourceVersion ?? version
          if (type !== 'BOOKMARK') {
            yield { type: type.toLowerCase() as 'added' | 'modified' | 'deleted', object }
          }
        }
      } catch (error) {
        if (signal.aborted) return
        // A server that was away may be back with an older etcd, where a watch from our version is silent
        // until that is reached again.
        version = undefined
        if (!(error instanceof Expired)) await pause(error)
      }
    }
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

class Expired extends Error {}

function refusal(status: { readonly code?: number; readonly message?: string }): Error {
  const message = status.message ?? `watch refused with ${status.code}`
  // A kind that has gone is learnt from the next list, as is a version that is too old.
  return status.code === 410 || status.code === 404
    ? new Expired(message)
    : new AgentError('cluster_unreachable', message)
}

interface ListPage {
  readonly objects: readonly LiveObject[]
  /** Of the whole list. */
  readonly version: string
}

async function* listPages(
  resource: Resource,
  labelSelector: string,
  { get }: WatchDeps,
  signal: AbortSignal,
): AsyncGenerator<ListPage> {
  const apiVersion = apiVersionOf(resource)
  let next = ''
  for (;;) {
    const query = new URLSearchParams({ labelSelector, limit: String(pageSize) })
    if (next) query.set('continue', next)
    const answer = await get(`${collectionPath(resource)}?${query.toString()}`, signal)
    if (answer.status !== 200) throw readFault(`list ${resource.plural}`, answer)
    const page = JSON.parse(answer.body) as {
      metadata: { resourceVersion: string; continue?: string }
      items?: readonly LiveObject[]
    }
    // Items of a list do not say their kind.
    const objects = (page.items ?? []).map((item) => ({ ...item, apiVersion, kind: resource.kind }))
    yield { objects, version: page.metadata.resourceVersion }
    if (!page.metadata.continue) return
    next = page.metadata.continue
  }
}

function idOf({ group, kind }: Resource, { metadata }: LiveObject): string {
  return formatObjectId({ group, kind, namespace: metadata.namespace ?? '', name: metadata.name })
}

function watchPath(resource: Resource, labelSelector: string, version: string, leftMs: number) {
  const query = new URLSearchParams({
    watch: 'true',
    labelSelector,
    resourceVersion: version,
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(Math.max(1, Math.ceil(leftMs / 1000))),
  })
  return `${collectionPath(resource)}?${query.toString()}`
}
