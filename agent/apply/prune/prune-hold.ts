import type { Manifest } from '@groundswell/proto/manifest.ts'
import { describeObject, type ObjectId, parseObjectId } from '@groundswell/proto/object-id.ts'
import { confirmationOfIds, lossWith, pruneLimitOf } from '@groundswell/proto/prune.ts'
import type { Sparing } from '@groundswell/proto/statement.ts'
import { AgentError } from '../../errors.ts'

/* Deletions that a person has to confirm, because they are many or cannot be made good again. Those of an undo
   as well: what it would delete may be older than what it undoes, and hold what nobody has elsewhere. */

const namedObjects = 10

/** Whether more would go with an object than itself. */
export function isPrecious({ group, kind }: Pick<ObjectId, 'group' | 'kind'>): boolean {
  return lossWith({ group, kind }) !== undefined
}

/**
 * What `confirmPrune` has to say for this manifest: a digest of the objects it keeps. The next
 * manifest that keeps others wants a new confirmation.
 */
export function confirmationOf({ objects }: Pick<Manifest, 'objects'>): string {
  return confirmationOfIds(objects.map(({ id }) => id))
}

/** What an application is to be, and whether by going back to what was before. */
export interface Wish extends Pick<Sparing, 'undo'> {
  readonly manifest: Manifest
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
export function holdManyPrunes(ids: readonly string[], known: number, wish: Wish): void {
  const { manifest } = wish
  if (isPruneConfirmed(manifest)) return
  const limit = pruneLimitOf(known, manifest.prune.limit)
  if (ids.length <= limit.objects) return
  const named = ids.slice(0, namedObjects).map((id) => describeObject(parseObjectId(id)))
  const more = ids.length > namedObjects ? ` and ${ids.length - namedObjects} more` : ''
  throw held(
    `${ids.length} of ${known} objects would be deleted, more than ${limit.words}; none is: ${named.join(', ')}${more}`,
    wish,
  )
}

/**
 * Refuses the deletion of an object that takes others along.
 *
 * @throws AgentError `prune_held`
 */
export function holdPreciousPrune(id: string, wish: Wish): void {
  const parsed = parseObjectId(id)
  const loss = lossWith(parsed)
  if (loss === undefined || isPruneConfirmed(wish.manifest)) return
  throw held(`${describeObject(parsed)} is not deleted: ${loss}`, wish)
}

function held(message: string, { manifest, undo }: Wish): AgentError {
  // What it goes back to is signed as it was: only a commit can say more of it.
  const how = undo
    ? 'What ran before is applied again. If this is meant too, the Application says so in Git, once what was rolled back is reverted there'
    : 'If it is meant, the Application says so'
  const confirmation = confirmationOf(manifest)
  return new AgentError('prune_held', `${message}. ${how}: confirmPrune: [${confirmation}]`)
}
