import type { Digest } from '@groundswell/proto/digest.ts'
import type { SnapshotApplication } from '@groundswell/proto/statement.ts'
import type { SnapshotPosition } from '../bundle/snapshot.ts'
import type { Attestation } from './attestation.ts'

/** Who a snapshot is for, as the one who asks has it; the signer holds its own record against it. */
export interface SignedFor {
  readonly cluster: string
  readonly clusterId: string
  readonly clusterUid: string
}

export interface SignRequest extends SignedFor {
  /** Sorted by name. */
  readonly applications: readonly SnapshotApplication[]
  /** Highest position anybody else knows of: what the agent reports, what Redis holds. */
  readonly floor: SnapshotPosition
}

/** A signed snapshot and where it stands. */
export interface Signed {
  readonly epoch: number
  readonly sequence: number
  readonly digest: Digest
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number
  readonly envelope: Uint8Array
}

/** Newest line of the ledger. */
export interface AuditHead {
  readonly index: number
  readonly digest: Digest
}

export interface FreshnessRequest {
  readonly clusterId: string
  /** The agent's own, base64url. */
  readonly nonce: string
  /** What the agent accepted; it counts when the signer's own record is behind it. */
  readonly at: SnapshotPosition
  readonly auditHead: AuditHead | null
}

export interface SignedFreshness {
  readonly envelope: Uint8Array
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number
}

/**
 * The holder of the online keys, as the hub's front end sees it. It believes nothing that it is
 * told but what the renderer attested and its own record says.
 */
export interface Signer {
  /** @throws HubError `sign_*` when it will not, `signer_unavailable` when it cannot be asked */
  sign(request: SignRequest): Promise<Signed>
  /**
   * How far its own record of a cluster goes, whatever anybody else knows of; null for none.
   *
   * @throws HubError `signer_unavailable`; `invalid` from one of a release that was not asked
   */
  position(clusterId: string): Promise<Omit<SnapshotPosition, 'digest'> | null>
  /** @throws HubError `sign_sequence`, `signer_unavailable` */
  freshness(request: FreshnessRequest): Promise<SignedFreshness>
  /** Envelopes of every root statement, oldest first. */
  roots(): Promise<readonly Uint8Array[]>
  /**
   * Takes in the root statement that follows its newest; one it has already changes nothing.
   *
   * @throws HubError `root_refused` when it does not follow, or names keys that are not here
   */
  adopt(root: Uint8Array): Promise<void>
}

/** The signer, as the renderer sees it: by a way that the front end has no part in. */
export interface Attestor {
  attest(attestation: Attestation): Promise<void>
}
