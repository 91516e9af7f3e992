import type { Digest } from '@groundswell/proto/digest.ts'
import { type DeletionPolicy, type Manifest, parseManifest } from '@groundswell/proto/manifest.ts'
import { HubError } from '../errors.ts'
import type { ContentStore } from './content.ts'

/** A manifest from the store, rendered again when that has lost it; undefined when it cannot be had. */
export async function readManifest(
  content: ContentStore,
  digest: Digest,
  rebuild: () => Promise<void>,
): Promise<Manifest | undefined> {
  let [bytes] = await content.get([digest])
  if (!bytes) {
    await rebuild()
    ;[bytes] = await content.get([digest])
  }
  return bytes && parseManifest(bytes)
}

/**
 * What a manifest says is to become of its objects when its application goes.
 *
 * @throws HubError `content_missing` when it cannot be had: nobody may guess what to delete
 */
export async function readDeletionPolicy(
  content: ContentStore,
  digest: Digest,
  rebuild: () => Promise<void>,
): Promise<DeletionPolicy> {
  const manifest = await readManifest(content, digest, rebuild)
  if (manifest) return manifest.deletionPolicy
  throw new HubError(
    'content_missing',
    `the manifest ${digest} cannot be had, so whether its objects stay cannot be told; nothing is removed`,
  )
}
