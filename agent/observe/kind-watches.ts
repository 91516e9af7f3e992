import { apiVersionOf } from '../cluster/api-path.ts'
import type { Clock } from '../cluster/clock.ts'
import type { Cluster, Resource, WatchEvent } from '../cluster/port.ts'

export interface KindWatches {
  /** Watches kinds for an application, besides those it needs already. */
  need(application: string, resources: readonly Resource[]): void
  /** Says that an application needs these kinds alone; what nobody needs is let go. */
  needOnly(application: string, resources: readonly Resource[]): void
  /** True once the kind's first list was read. */
  isSynced(apiVersion: string, kind: string): boolean
  /** Waits until every kind given was read once; false when that took longer than `deadlineMs`. */
  synced(resources: readonly Resource[], deadlineMs: number, signal: AbortSignal): Promise<boolean>
}

interface KindWatch {
  readonly resource: Resource
  readonly stop: AbortController
  readonly ready: Promise<void>
  isReady: boolean
}

export interface KindWatchesDeps {
  readonly cluster: Pick<Cluster, 'watch'>
  readonly label: string
  readonly clock: Clock
  readonly onEvent: (resource: Resource, event: WatchEvent) => void
  /** A kind is watched in no version any more. */
  readonly onIdle: (resource: Resource) => void
  readonly onFault: (kind: string, error: unknown) => void
}

const againAfterMs = 30_000

/** One watch a kind, shared by all applications. */
export function createKindWatches(deps: KindWatchesDeps, signal: AbortSignal): KindWatches {
  const { cluster, clock } = deps
  const watches = new Map<string, KindWatch>()
  const needs = new Map<string, ReadonlySet<string>>()

  const start = (resource: Resource): KindWatch => {
    const stop = new AbortController()
    const { promise, resolve } = Promise.withResolvers<void>()
    const watch: KindWatch = { resource, stop, ready: promise, isReady: false }
    const until = AbortSignal.any([signal, stop.signal])
    const take = (event: WatchEvent) => {
      if (until.aborted) return
      try {
        deps.onEvent(resource, event)
      } catch (error) {
        // One object we cannot read must not blind us to all others of its kind.
        deps.onFault(resource.kind, error)
      }
      if (event.type !== 'synced') return
      watch.isReady = true
      resolve()
    }
    const run = async () => {
      while (!until.aborted) {
        try {
          for await (const event of cluster.watch(resource, deps.label, until)) take(event)
        } catch (error) {
          if (until.aborted) return
          deps.onFault(resource.kind, error)
        }
        await clock.sleep(againAfterMs, until).catch(() => undefined)
      }
    }
    void run()
    return watch
  }

  return {
    need(application, resources) {
      needs.set(application, new Set([...(needs.get(application) ?? []), ...resources.map(keyOf)]))
      for (const resource of resources) {
        const key = keyOf(resource)
        if (!watches.has(key)) watches.set(key, start(resource))
      }
    },
    needOnly(application, resources) {
      needs.delete(application)
      if (resources.length > 0) this.need(application, resources)
      const wanted = new Set([...needs.values()].flatMap((keys) => [...keys]))
      for (const [key, watch] of watches) {
        if (wanted.has(key)) continue
        watch.stop.abort()
        watches.delete(key)
        const { resource } = watch
        if (![...watches.values()].some((other) => isSameKind(other.resource, resource))) {
          deps.onIdle(resource)
        }
      }
    },
    isSynced: (apiVersion, kind) => watches.get(`${apiVersion}/${kind}`)?.isReady ?? false,
    async synced(resources, deadlineMs, signal) {
      const unread = resources.flatMap((one) => {
        const watch = watches.get(keyOf(one))
        return watch && !watch.isReady ? [watch.ready] : []
      })
      if (unread.length === 0) return true
      const giveUp = new AbortController()
      const late = clock.sleep(deadlineMs, AbortSignal.any([signal, giveUp.signal])).then(
        () => false,
        () => false,
      )
      const read = Promise.all(unread).then(() => true)
      const inTime = await Promise.race([read, late])
      giveUp.abort()
      return inTime
    },
  }
}

function isSameKind(a: Resource, b: Resource): boolean {
  return a.group === b.group && a.kind === b.kind
}

/** Of a kind in one version. */
export function keyOf(resource: Resource): string {
  return `${apiVersionOf(resource)}/${resource.kind}`
}

/** Of ids of a kind, whatever its version. */
export function prefixOf({ group, kind }: Resource): string {
  return `${group}/${kind}/`
}
