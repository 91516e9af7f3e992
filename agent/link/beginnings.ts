import type { Digest } from '@groundswell/proto/digest.ts'

/** What came of a blob before its transfer was cut; not checked, that is for the whole. */
export interface Beginning {
  /** Of the whole blob, in bytes. */
  readonly size: number
  readonly bytes: Uint8Array
}

/** Kept from one stream to the next. */
export interface Beginnings {
  keep(digest: Digest, beginning: Beginning): void
  /** Gives one out, for good; `size` is what was declared for the blob, if it was. */
  take(digest: Digest, size: number | undefined): Beginning | undefined
}

/** Keeps the latest, up to `mostBytes`: the largest of blobs begun are few. */
export function createBeginnings(mostBytes = 4 * 1024 * 1024): Beginnings {
  const kept = new Map<Digest, Beginning>()
  let held = 0

  function take(digest: Digest): Beginning | undefined {
    const found = kept.get(digest)
    if (!found) return undefined
    kept.delete(digest)
    held -= found.bytes.byteLength
    return found
  }

  return {
    keep(digest, { size, bytes }) {
      take(digest)
      if (bytes.byteLength === 0) return
      // A copy: what it is a part of may be much larger.
      kept.set(digest, { size, bytes: Uint8Array.from(bytes) })
      held += bytes.byteLength
      for (const oldest of kept.keys()) {
        if (held <= mostBytes) break
        take(oldest)
      }
    },
    take(digest, size) {
      const found = take(digest)
      return size === undefined || found?.size === size ? found : undefined
    },
  }
}
