import type { Digest } from '@groundswell/proto/digest.ts'
import { type DeletionPolicy, type Manifest, parseManifest } from '@groundswell/proto/manifest.ts'
import { parseObjectId } from '@groundswell/proto/object-id.ts'
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
 * What is to become of the objects of a manifest when its application goes: what it says itself. Where all of
 * them are on their way to other applications, as when one is renamed, they are let go instead: those may come
 * long after, by rollouts and gates of their own, and take them over.
 *
 * @param heirs manifests that other applications are to get on the same cluster, and have not yet
 * @throws HubError `content_missing` when one cannot be had: nobody may guess what to delete
 */
export async function readDeletionPolicy(
  content: ContentStore,
  digest: Digest,
  heirs: readonly Digest[],
  rebuild: () => Promise<void>,
): Promise<DeletionPolicy> {
  const read = async (one: Digest): Promise<Manifest> => {
    const manifest = await readManifest(content, one, rebuild)
    if (manifest) return manifest
    throw new HubError(
      'content_missing',
      `the manifest ${one} cannot be had, so whether the objects of ${digest} stay cannot be told; nothing is removed`,
    )
  }
  const going = await read(digest)
  if (going.deletionPolicy === 'Orphan') return 'Orphan'
  const left = new Set(listObjects(going))
  for (const heir of heirs) {
    if (left.size === 0) break
    for (const id of listObjects(await read(heir))) left.delete(id)
  }
  return going.objects.length > 0 && left.size === 0 ? 'Orphan' : 'Delete'
}

/** Where the objects of a manifest live. Of a cluster-scoped kind the namespace is the application's, for both alike. */
function listObjects({ objects, targetNamespace }: Manifest): string[] {
  return objects.map(({ id }) => {
    const { group, kind, namespace, name } = parseObjectId(id)
    return [group, kind, namespace || targetNamespace, name].join('/')
  })
}
