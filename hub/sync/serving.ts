import type { Digest } from '@groundswell/proto/digest.ts'
import { parseManifest } from '@groundswell/proto/manifest.ts'
import type { SnapshotApplication } from '@groundswell/proto/statement.ts'
import type { Blob, ContentStore } from '../bundle/content.ts'
import { packBytes } from './pack.ts'

export interface Served {
  readonly blobs: readonly Blob[]
  /** Not in the store, or not this cluster's business. */
  readonly missing: readonly Digest[]
}

/** Part of a want: what is read and sent together. */
export interface Batch {
  readonly digests: readonly Digest[]
  /** At most, by what manifests declare. */
  readonly bytes: number
}

/** A digest costs this much however small its blob: its lookup, its place in a pack. */
const leastBytes = 1024
/** Not this cluster's business, or of a manifest that the store lost: neither is likely to be read. */
const unknownBytes = 4 * 1024

/** Serves wanted digests to one cluster. */
export interface Serve {
  (
    cluster: string,
    applications: readonly SnapshotApplication[],
    wanted: readonly Digest[],
  ): Promise<Served>
  /** Splits a want so that each part is about a pack, or one blob that is larger. */
  readonly batch?: (
    applications: readonly SnapshotApplication[],
    wanted: readonly Digest[],
  ) => Promise<readonly Batch[]>
}

export interface ServingDeps {
  readonly content: ContentStore
  /** Renders a cluster's assigned content anew, after the store lost it. */
  readonly rebuild: (cluster: string) => Promise<void>
}

/**
 * Serves wanted digests to one cluster, and only those its snapshot refers to: a manifest it
 * names, or an object of such a manifest (T21).
 */
export function createServing(deps: ServingDeps): Serve {
  /** Sizes of the objects of manifests. */
  const objectsOf = new Map<Digest, ReadonlyMap<Digest, number>>()
  const rememberedManifests = 2_000

  async function readManifestObjects(manifest: Digest): Promise<ReadonlyMap<Digest, number>> {
    const known = objectsOf.get(manifest)
    if (known) return known
    const [bytes] = await deps.content.get([manifest])
    if (!bytes) return new Map()
    const objects = new Map(parseManifest(bytes).objects.map(({ digest, size }) => [digest, size]))
    objectsOf.set(manifest, objects)
    for (const oldest of objectsOf.keys()) {
      if (objectsOf.size <= rememberedManifests) break
      objectsOf.delete(oldest)
    }
    return objects
  }

  async function isAllowed(
    digest: Digest,
    manifests: readonly Digest[],
    direct: ReadonlySet<Digest>,
  ): Promise<boolean> {
    if (direct.has(digest)) return true
    for (const manifest of manifests) {
      if ((await readManifestObjects(manifest)).has(digest)) return true
    }
    return false
  }

  async function read(digests: readonly Digest[]): Promise<Served> {
    const found = await deps.content.get(digests)
    const blobs: Blob[] = []
    const missing: Digest[] = []
    for (const [index, digest] of digests.entries()) {
      const bytes = found[index]
      if (bytes) blobs.push({ digest, bytes })
      else missing.push(digest)
    }
    return { blobs, missing }
  }

  async function sizeOf(
    digest: Digest,
    applications: readonly SnapshotApplication[],
  ): Promise<number> {
    for (const application of applications) {
      if (application.state !== 'present') continue
      const { manifest } = application
      if (manifest.digest === digest) return manifest.size
      const size = (await readManifestObjects(manifest.digest)).get(digest)
      if (size !== undefined) return size
    }
    return unknownBytes
  }

  async function batch(
    applications: readonly SnapshotApplication[],
    wanted: readonly Digest[],
  ): Promise<readonly Batch[]> {
    const batches: { digests: Digest[]; bytes: number }[] = []
    for (const digest of wanted) {
      const bytes = Math.max(leastBytes, await sizeOf(digest, applications))
      const last = batches.at(-1)
      if (!last || last.bytes + bytes > packBytes) batches.push({ digests: [digest], bytes })
      else {
        last.digests.push(digest)
        last.bytes += bytes
      }
    }
    return batches
  }

  async function serve(
    cluster: string,
    applications: readonly SnapshotApplication[],
    wanted: readonly Digest[],
  ): Promise<Served> {
    const manifests = applications.flatMap((application) =>
      application.state === 'present' ? [application.manifest.digest] : [],
    )
    const direct = new Set(manifests)

    async function look(): Promise<Served & { denied: readonly Digest[] }> {
      const allowed: Digest[] = []
      const denied: Digest[] = []
      for (const digest of wanted) {
        if (await isAllowed(digest, manifests, direct)) allowed.push(digest)
        else denied.push(digest)
      }
      return { ...(await read(allowed)), denied }
    }

    // Whether the store has lost anything is asked only when something was not found.
    let found = await look()
    const lost =
      found.missing.length > 0 ||
      (found.denied.length > 0 && (await deps.content.missing(manifests)).length > 0)
    if (lost) {
      await deps.rebuild(cluster)
      found = await look()
    }
    return { blobs: found.blobs, missing: [...found.missing, ...found.denied] }
  }

  return Object.assign(serve, { batch })
}
