import { digestOf } from '@groundswell/proto/digest.ts'
import type { Manifest } from '@groundswell/proto/manifest.ts'
import { describeObject, type ObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import { AgentError } from '../errors.ts'

/* Deletions that a person has to confirm, because they are many or cannot be made good again. */

/** More than this part of an application, or more than so many objects, and all are held. */
const usual = { percent: 30, objects: 50 } as const
/** So few are never held for being a great part: half of two objects is one. */
const fewObjects = 5

/** What goes when one of these goes is more than the object. */
const precious: ReadonlyMap<string, string> = new Map([
  ['apiextensions.k8s.io/CustomResourceDefinition', 'all its custom resources go with it'],
  ['/Namespace', 'everything in it goes with it'],
  ['/PersistentVolumeClaim', 'its data may go with it'],
])

const namedObjects = 10

/** Whether more would go with an object than itself. */
export function isPrecious({ group, kind }: Pick<ObjectId, 'group' | 'kind'>): boolean {
  return precious.has(`${group}/${kind}`)
}

/**
 * What `confirmPrune` has to say for this manifest: a digest of the objects it keeps. The next
 * manifest that keeps others wants a new confirmation.
 */
export function confirmationOf({ objects }: Pick<Manifest, 'objects'>): string {
  return digestOf(JSON.stringify(objects.map(({ id }) => id).sort()))
}

function isPruneConfirmed(manifest: Manifest): boolean {
  return manifest.prune.confirmed?.includes(confirmationOf(manifest)) ?? false
}

/**
 * Refuses deletions that are more than the application's limit, all of them.
 *
 * @param ids what would be deleted
 * @param known how many objects the application has on this cluster, those included
 * @throws AgentError `prune_held`
 */
export function holdManyPrunes(ids: readonly string[], known: number, manifest: Manifest): void {
  if (isPruneConfirmed(manifest)) return
  const limit = limitOf(known, manifest)
  if (ids.length <= limit.objects) return
  const named = ids.slice(0, namedObjects).map((id) => describeObject(parseObjectId(id)))
  const more = ids.length > namedObjects ? ` and ${ids.length - namedObjects} more` : ''
  throw held(
    `${ids.length} of ${known} objects would be deleted, more than ${limit.words}; none is: ${named.join(', ')}${more}`,
    manifest,
  )
}

/**
 * Refuses the deletion of an object that takes others along.
 *
 * @throws AgentError `prune_held`
 */
export function holdPreciousPrune(id: string, manifest: Manifest): void {
  const parsed = parseObjectId(id)
  const loss = precious.get(`${parsed.group}/${parsed.kind}`)
  if (loss === undefined || isPruneConfirmed(manifest)) return
  throw held(`${describeObject(parsed)} is not deleted: ${loss}`, manifest)
}

function held(message: string, manifest: Manifest): AgentError {
  return new AgentError(
    'prune_held',
    `${message}. If it is meant, the Application says so: confirmPrune: [${confirmationOf(manifest)}]`,
  )
}

function limitOf(known: number, { prune }: Manifest): { objects: number; words: string } {
  const given = prune.limit
  if (typeof given === 'number') return { objects: given, words: `${given}` }
  if (given !== undefined) {
    return { objects: Math.floor((known * Number.parseInt(given, 10)) / 100), words: given }
  }
  const part = Math.max(fewObjects, Math.floor((known * usual.percent) / 100))
  return part < usual.objects
    ? { objects: part, words: `${usual.percent} % (and ${fewObjects})` }
    : { objects: usual.objects, words: `${usual.objects}` }
}
