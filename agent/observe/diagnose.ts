import { type ObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import type { Clock } from '../cluster/clock.ts'
import type { Cluster, LiveObject } from '../cluster/port.ts'
import { findWarning, findWorstPod } from './diagnosis.ts'
import { at } from './health-facts.ts'

export type DiagnosedCluster = Pick<Cluster, 'resource' | 'get' | 'pods' | 'events'>

export interface DiagnoseDeps {
  /** The cluster as whoever an object belongs to may read it. */
  readonly clusterOf: (id: string) => DiagnosedCluster
  readonly clock: Clock
  /** There is something new to say of an object. */
  readonly onChange: (id: string) => void
}

export interface Diagnoses {
  /** Says what ails an object now; `apiVersion` undefined when it is well or gone. */
  note(id: string, apiVersion: string | undefined): void
  /** What was found out; empty when nothing was. */
  of(id: string): string
}

/** A rollout is not ready for a moment each time; only what stays so is looked into. */
const patienceMs = 5_000
const againMs = 30_000
/** Looked into at one time; the others come when one of these is well. */
const mostObjects = 20
const answerMs = 10_000
const textLimit = 500

/** Kinds that have pods of their own, found by their selector. */
const podOwners = new Set([
  'apps/Deployment',
  'apps/StatefulSet',
  'apps/DaemonSet',
  'apps/ReplicaSet',
  'batch/Job',
])

/**
 * Finds out why objects are not ready, so that nobody needs to reach into the cluster for it: three
 * small requests an ailing object, after it was so for a while and then every half minute.
 */
export function createDiagnoses(deps: DiagnoseDeps, signal: AbortSignal): Diagnoses {
  const { clock } = deps
  const watched = new Map<string, { readonly stop: AbortController; words: string }>()

  async function look(id: string, apiVersion: string, stop: AbortController): Promise<void> {
    const until = AbortSignal.any([signal, stop.signal])
    for (let wait = patienceMs; ; wait = againMs) {
      await clock.sleep(wait, until)
      const words = await explain(id, apiVersion, deps, until).catch(() => undefined)
      if (until.aborted) return
      const entry = watched.get(id)
      // What cannot be read now says nothing new.
      if (entry?.stop !== stop || words === undefined || entry.words === words) continue
      entry.words = words
      deps.onChange(id)
    }
  }

  return {
    note(id, apiVersion) {
      const entry = watched.get(id)
      if (apiVersion === undefined) {
        entry?.stop.abort()
        watched.delete(id)
      } else if (!entry && watched.size < mostObjects) {
        const stop = new AbortController()
        watched.set(id, { stop, words: '' })
        // Ends by its signals alone.
        look(id, apiVersion, stop).catch(() => {})
      }
    },
    of: (id) => watched.get(id)?.words ?? '',
  }
}

async function explain(
  id: string,
  apiVersion: string,
  { clusterOf }: DiagnoseDeps,
  signal: AbortSignal,
): Promise<string> {
  const cluster = clusterOf(id)
  const until = AbortSignal.any([signal, AbortSignal.timeout(answerMs)])
  const parsed = parseObjectId(id)
  const resource = await cluster.resource(apiVersion, parsed.kind, until)
  const object = await cluster.get(resource, parsed, until)
  if (!object) return ''
  const worst = findWorstPod(await podsOf(parsed, object, cluster, until))
  const subject = worst?.pod ?? object
  const namespace = subject.metadata.namespace ?? ''
  const warning = namespace
    ? findWarning(await cluster.events(namespace, subject.metadata.uid ?? '', until))
    : undefined
  return [worst?.words, warning].filter(Boolean).join('; ').slice(0, textLimit)
}

async function podsOf(
  { group, kind, namespace }: ObjectId,
  object: LiveObject,
  cluster: DiagnosedCluster,
  signal: AbortSignal,
): Promise<readonly LiveObject[]> {
  if (kind === 'Pod' && group === '') return [object]
  if (!podOwners.has(`${group}/${kind}`)) return []
  const labels = at(object, 'spec', 'selector', 'matchLabels')
  if (typeof labels !== 'object' || labels === null || Object.keys(labels).length === 0) return []
  const selector = Object.entries(labels as Record<string, string>)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
  return cluster.pods(namespace, selector, signal)
}
