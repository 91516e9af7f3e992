import type { Digest } from '@groundswell/proto/digest.ts'
import type { Freshness } from '@groundswell/proto/statement.ts'

/** Who this agent is to the hub; fixed when it joined. */
export interface Identity {
  readonly fleet: string
  readonly cluster: string
  readonly clusterId: string
  readonly clusterUid: string
}

/** What the agent has accepted so far. Written before anything of it is applied. */
export interface TrustState {
  /** The root statement's envelope that was pinned or chained to. */
  readonly root: Uint8Array
  readonly epoch: number
  readonly sequence: number
  readonly snapshotDigest: Digest | null
  /** The accepted snapshot's envelope; null before the first. */
  readonly envelope: Uint8Array | null
  /**
   * Why the position may be lower than it once was. As long as it stands nothing new is accepted;
   * what was accepted goes on.
   */
  readonly doubt?: string
  /**
   * The root statement that snapshot was accepted under, when a newer one was chained to since:
   * what runs goes on being healed, though its key may be revoked for anything new.
   */
  readonly envelopeRoot?: Uint8Array
  /** Approvals of what that snapshot lists. */
  readonly approvals?: readonly Uint8Array[]
  /** Seconds since the Unix epoch that a signer attested: it is not earlier, whatever a clock says. */
  readonly timeFloor?: number
  /** The furthest head of the hub's ledger that was told. */
  readonly auditHead?: AuditHead
  /** Set when the hub's ledger was told in two ways that cannot both be. */
  readonly auditFault?: AuditFault
}

/** Newest line of the hub's ledger, as a freshness statement tells it. */
export type AuditHead = NonNullable<Freshness['auditHead']>

/** A line of the ledger that was seen is another now, or there no more. */
export interface AuditFault {
  readonly code: 'audit_forked' | 'audit_rewound'
  readonly seen: AuditHead
  readonly told: AuditHead | null
}

export interface TrustStore {
  load(): Promise<TrustState>
  /**
   * Returns only when the state is durable.
   * @throws AgentError `trust_state_unwritable`, or `another_agent`, after which this one must stop
   */
  save(state: TrustState): Promise<void>
}

/** One place where the trust state is kept. */
export interface StateCopy {
  /** For people. */
  readonly name: string
  /** Null when there is none. @throws AgentError `trust_state_corrupt` when it is damaged */
  load(): Promise<TrustState | null>
  /** @throws AgentError `trust_state_unwritable`, `another_agent` */
  save(state: TrustState): Promise<void>
}

/** The agent's copy of content, by digest. */
export interface ContentCache {
  has(digest: Digest): Promise<boolean>
  /** @throws AgentError `content_missing`, `digest_mismatch` */
  read(digest: Digest): Promise<Uint8Array>
  write(digest: Digest, bytes: Uint8Array): Promise<void>
  /**
   * Puts what a snapshot needs where it outlives this disk too, before the snapshot counts as accepted.
   * Where that cannot be done it says so in the log and goes on.
   * @throws AgentError `another_agent`
   */
  keep?(digests: ReadonlySet<Digest>): Promise<void>
  /** Why not all of it outlives this disk, in words; empty when it does. */
  fault?(): string
  /** Drops everything that is not in `keep`. */
  sweep(keep: ReadonlySet<Digest>): Promise<void>
}
