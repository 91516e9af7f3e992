import type { Digest } from '@groundswell/proto/digest.ts'
import { parseManifest } from '@groundswell/proto/manifest.ts'
import { parseObjectId } from '@groundswell/proto/object-id.ts'
import { findImages } from '../policy/signature/image.ts'
import type { ContentStore } from './content.ts'

/** An image that an object of a content names. */
export interface ContentImage {
  readonly image: string
  /** `group/kind/namespace/name` */
  readonly object: string
}

/** Contents → the images in each; those that are not at hand, or too many for one call, are missing. */
export type ContentImages = (
  contents: readonly Digest[],
) => Promise<ReadonlyMap<Digest, readonly ContentImage[]>>

/** Contents whose images are remembered: what has a digest never changes. */
const remembered = 10_000
/** Objects read in one call; the next call goes on from there. */
const mostObjects = 20_000
const blobsAtOnce = 500
/** They hold no containers, and may be large. */
const neverRun = new Set(['ConfigMap', 'Secret', 'CustomResourceDefinition'])

/** Finds the images in contents by reading their objects, once for each content. */
export function createContentImages(store: ContentStore): ContentImages {
  const known = new Map<Digest, readonly ContentImage[]>()

  function keep(digest: Digest, images: readonly ContentImage[]): void {
    known.delete(digest)
    known.set(digest, images)
    for (const oldest of known.keys()) {
      if (known.size <= remembered) break
      known.delete(oldest)
    }
  }

  /** Undefined when any part of it is not at hand. */
  async function read(objects: readonly { id: string; digest: Digest }[]) {
    const images: ContentImage[] = []
    for (let from = 0; from < objects.length; from += blobsAtOnce) {
      const part = objects.slice(from, from + blobsAtOnce)
      const blobs = await store.get(part.map(({ digest }) => digest))
      for (const [at, { id }] of part.entries()) {
        const bytes = blobs[at]
        if (!bytes) return undefined
        const found = findImages(JSON.parse(Buffer.from(bytes).toString()))
        images.push(...found.map(({ text }) => ({ image: text, object: id })))
      }
    }
    return images
  }

  return async function readImages(contents) {
    const found = new Map<Digest, readonly ContentImage[]>()
    let room = mostObjects
    for (const digest of contents) {
      const before = known.get(digest)
      if (before) {
        found.set(digest, before)
        continue
      }
      if (room <= 0) continue
      const [bytes] = await store.get([digest])
      if (!bytes) continue
      const objects = parseManifest(bytes).objects.filter(
        ({ id }) => !neverRun.has(parseObjectId(id).kind),
      )
      room -= objects.length + 1
      const images = await read(objects)
      if (!images) continue
      keep(digest, images)
      found.set(digest, images)
    }
    return found
  }
}
