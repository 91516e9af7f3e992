import { parseObjectId } from '@groundswell/proto/object-id.ts'
import type { Cluster } from '../../cluster/port.ts'
import type { Observer } from '../../observe/observer.ts'
import { forEachBounded } from '../run/bounded.ts'
import type { Tracked } from './tracked.ts'

export interface EarlyWatchesDeps {
  readonly cluster: Pick<Cluster, 'resource'>
  readonly observer: Pick<Observer, 'need'>
}

const atOnce = 4

interface Needed {
  readonly apiVersion: string
  readonly kind: string
  readonly applications: Set<string>
}

/**
 * Begins to read all kinds that applications want, rather than one application and stage after another.
 * What of it cannot be found is for the run of its application to say.
 */
export async function watchEarly(
  ones: readonly Tracked[],
  { cluster, observer }: EarlyWatchesDeps,
  signal: AbortSignal,
): Promise<void> {
  const kinds = new Map<string, Needed>()
  for (const { name, wanted } of ones) {
    if (wanted.state !== 'present') continue
    for (const { id, apiVersion, rules } of wanted.manifest.objects) {
      if (rules?.hook || rules?.apply === 'never') continue
      const { kind } = parseObjectId(id)
      const key = `${apiVersion}/${kind}`
      const needed = kinds.get(key) ?? { apiVersion, kind, applications: new Set<string>() }
      needed.applications.add(name)
      kinds.set(key, needed)
    }
  }
  await forEachBounded([...kinds.values()], atOnce, signal, async (needed) => {
    const { apiVersion, kind, applications } = needed
    const resource = await cluster.resource(apiVersion, kind, signal).catch(() => undefined)
    if (!resource || signal.aborted) return
    for (const name of applications) observer.need(name, [resource])
  })
}
