import { digestOf } from './digest.ts'
import type { ObjectId } from './object-id.ts'

/* Which deletions a person has to confirm: the agent holds them, and a hub may foresee it. */

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

/** What else would go with an object, in words; undefined when it is nothing. */
export function lossWith({ group, kind }: Pick<ObjectId, 'group' | 'kind'>): string | undefined {
  return precious.get(`${group}/${kind}`)
}

/**
 * What `confirmPrune` has to say: a digest of the objects that stay, by their ids. The next manifest
 * that keeps others wants a new confirmation.
 */
export function confirmationOfIds(ids: readonly string[]): string {
  return digestOf(JSON.stringify([...ids].sort()))
}

/** How many of so many objects may go at once, and the limit in words. */
export function pruneLimitOf(
  known: number,
  given: number | string | undefined,
): { readonly objects: number; readonly words: string } {
  if (typeof given === 'number') return { objects: given, words: `${given}` }
  if (given !== undefined) {
    return { objects: Math.floor((known * Number.parseInt(given, 10)) / 100), words: given }
  }
  const part = Math.max(fewObjects, Math.floor((known * usual.percent) / 100))
  return part < usual.objects
    ? { objects: part, words: `${usual.percent} % (and ${fewObjects})` }
    : { objects: usual.objects, words: `${usual.objects}` }
}
