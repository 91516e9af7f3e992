import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { type DeletionPolicy, encodeManifest, type Manifest } from '@groundswell/proto/manifest.ts'
import type { ContentStore } from '../../hub/bundle/content.ts'
import { createManifestObjects, type ManifestObjects } from '../../hub/bundle/stored-manifest.ts'

/** Manifests of objects that nobody looks at, in the namespace `shop` unless it is said. */
export function createManifests() {
  const blobs = new Map<Digest, Uint8Array>()
  const reads: Digest[] = []
  const objectsOf = createManifestObjects({
    async get(digests: readonly Digest[]) {
      reads.push(...digests)
      return digests.map((digest) => blobs.get(digest))
    },
  } as unknown as ContentStore)
  return {
    blobs,
    /** What was read of them, in order. */
    reads,
    read: (_: string, digest: Digest): Promise<ManifestObjects> =>
      objectsOf(digest, async () => {}),
    /** @returns its digest; another `file` makes another manifest of the same objects */
    keep(
      application: string,
      ids: readonly string[],
      rest: { deletionPolicy?: DeletionPolicy; targetNamespace?: string; file?: string } = {},
    ): Digest {
      const { file = 'a.yaml', ...more } = rest
      const manifest = {
        ...{ v: 1, application, targetNamespace: 'shop', drift: 'correct' },
        ...{ deletionPolicy: 'Delete', ...more },
        prune: { enabled: true, allowEmpty: false },
        objects: [...ids].sort().map((id) => ({
          ...{ id, apiVersion: 'v1', digest: digestOf(id), size: 10, file },
        })),
      } as Manifest
      const bytes = Buffer.from(encodeManifest(manifest))
      const digest = digestOf(bytes)
      blobs.set(digest, bytes)
      return digest
    },
  }
}
