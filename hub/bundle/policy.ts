import type { Digest } from '@groundswell/proto/digest.ts'
import { type DeletionPolicy, parseManifest } from '@groundswell/proto/manifest.ts'
import { HubError } from '../errors.ts'
import type { ContentStore } from './content.ts'

/**
 * What a manifest says is to become of its objects when its application goes. It is rendered again
 * when the store has lost it.
 *
 * @throws HubError `content_missing` when it cannot be had: nobody may guess what to delete
 */
export async function readDeletionPolicy(
  content: ContentStore,
  manifest: Digest,
  rebuild: () => Promise<void>,
): Promise<DeletionPolicy> {
  let [bytes] = await content.get([manifest])
  if (!bytes) {
    await rebuild()
    ;[bytes] = await content.get([manifest])
  }
  if (bytes) return parseManifest(bytes).deletionPolicy
  throw new HubError(
    'content_missing',
    `the manifest ${manifest} cannot be had, so whether its objects stay cannot be told; nothing is removed`,
  )
}
