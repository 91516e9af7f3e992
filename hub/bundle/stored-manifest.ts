import type { Digest } from '@groundswell/proto/digest.ts'
import { type DeletionPolicy, type Manifest, parseManifest } from '@groundswell/proto/manifest.ts'
import { listPlaces, listSpellings } from '@groundswell/proto/spelling.ts'
import { HubError } from '../errors.ts'
import type { ContentStore } from './content.ts'
import { fingerprintIds } from './fingerprint.ts'

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

/** What a manifest says of its objects as a whole. */
export interface ManifestObjects {
  readonly deletionPolicy: DeletionPolicy
  readonly fingerprint: string
  /** Every id by which they may live on a cluster. */
  readonly spellings: ReadonlySet<string>
  /** One id for each. */
  readonly places: readonly string[]
}

/** Ids that are remembered, of all manifests together: some 100 bytes each. */
const rememberedIds = 100_000

/** Reads which objects manifests name, and remembers those it was asked for last. */
export function createManifestObjects(content: ContentStore) {
  const known = new Map<Digest, ManifestObjects>()
  let count = 0

  /** @throws HubError `content_missing` when it cannot be had: nobody may guess what to delete */
  return async function readObjects(
    digest: Digest,
    rebuild: () => Promise<void>,
  ): Promise<ManifestObjects> {
    const before = known.get(digest)
    if (before) {
      known.delete(digest)
      known.set(digest, before)
      return before
    }
    const manifest = await readManifest(content, digest, rebuild)
    if (!manifest) {
      throw new HubError(
        'content_missing',
        `the manifest ${digest} cannot be had, so what is to become of objects that go with it cannot be told; nothing is removed`,
      )
    }
    const found = {
      deletionPolicy: manifest.deletionPolicy,
      fingerprint: fingerprintIds(manifest),
      spellings: listSpellings(manifest),
      places: listPlaces(manifest),
    }
    known.set(digest, found)
    count += found.places.length
    for (const [oldest, { places }] of known) {
      if (count <= rememberedIds || oldest === digest) break
      known.delete(oldest)
      count -= places.length
    }
    return found
  }
}
