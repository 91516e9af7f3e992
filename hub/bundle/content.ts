import type { Digest } from '@groundswell/proto/digest.ts'

/** Blobs by digest: manifests and objects. Everything in it can be rendered again from Git. */
export interface ContentStore {
  /** Which of these are not here. */
  missing(digests: readonly Digest[]): Promise<Digest[]>
  /** Stores blobs under the digest of their bytes; storing twice changes nothing. */
  put(blobs: readonly Blob[]): Promise<void>
  /** In the order asked; undefined where a blob is not here. */
  get(digests: readonly Digest[]): Promise<(Uint8Array | undefined)[]>
  /** Removes blobs not in `keep`, older than `minimumAge` milliseconds; returns how many. */
  sweep(keep: ReadonlySet<Digest>, minimumAge: number): Promise<number>
}

export interface Blob {
  readonly digest: Digest
  readonly bytes: Uint8Array
}
