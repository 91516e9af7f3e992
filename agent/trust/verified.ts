import type { Digest } from '@groundswell/proto/digest.ts'
import type { DeletionPolicy, Manifest } from '@groundswell/proto/manifest.ts'
import type { Snapshot, Sparing } from '@groundswell/proto/statement.ts'

declare const verified: unique symbol

/**
 * A snapshot whose signature, audience, sequence and every byte of content were checked. Only
 * `verify.ts` makes one, and nothing else may be applied.
 */
export interface VerifiedSnapshot {
  readonly [verified]: true
  readonly snapshot: Snapshot
  /** Digest of the signed payload. */
  readonly digest: Digest
  readonly applications: readonly VerifiedApplication[]
}

export type VerifiedApplication = VerifiedPresent | VerifiedRemoved

export interface VerifiedPresent extends Sparing {
  readonly [verified]: true
  readonly state: 'present'
  readonly name: string
  readonly generation: number
  readonly revision: string
  readonly manifestDigest: Digest
  readonly manifest: Manifest
  /** An object's bytes, checked against its digest again as they are read. */
  readonly read: (digest: Digest) => Promise<Uint8Array>
}

export interface VerifiedRemoved extends Sparing {
  readonly [verified]: true
  readonly state: 'removed'
  readonly name: string
  readonly generation: number
  readonly deletionPolicy: DeletionPolicy
}
