import type { Digest } from './digest.ts'
import type { DeletionPolicy } from './manifest.ts'

/** The kinds of thing that are signed; each has its own `typ` and its own key role. */
export type StatementType = 'root' | 'snapshot' | 'freshness' | 'approval'

/** Value of the protected header's `typ`. */
export function typOf(type: StatementType): string {
  return `groundswell.${type}+jws;v=1`
}

/** An Ed25519 public key as a JWK (RFC 8037). Its id is its thumbprint (RFC 7638). */
export interface PublicKey {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
}

/** Keys that may sign for a role, and how many distinct ones must. */
export interface KeyRole {
  readonly keys: readonly PublicKey[]
  readonly threshold: number
}

/** Names the online keys. Signed by the root role; version N+1 is signed by N and N+1. */
export interface Root {
  readonly v: 1
  readonly fleet: string
  readonly version: number
  /** Raised to cure a compromise: a new epoch starts sequences afresh. */
  readonly epoch: number
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number
  readonly roles: Readonly<Record<RoleName, KeyRole>>
  /** Clusters whose content needs approvals beside the snapshot's own signature. */
  readonly policies: readonly ApprovalPolicy[]
}

/**
 * Clusters are named in the root statement itself: membership told by anybody online could be
 * changed by whoever stole an online key.
 */
export interface ApprovalPolicy {
  /** Cluster group the names were taken from; for people. */
  readonly group: string
  /** Names of clusters, or `*` alone for all of the fleet. Sorted. */
  readonly clusters: readonly string[]
  /** Distinct approver keys that must have approved; at least 1. */
  readonly approvers: number
}

export type RoleName = 'root' | 'snapshot' | 'freshness' | 'approver'

/** What one cluster should run, whole. The only thing about content that is signed. */
export interface Snapshot {
  readonly v: 1
  readonly fleet: string
  /** Cluster id, as the hub's record has it. */
  readonly aud: string
  /** UID of the cluster's kube-system namespace. */
  readonly clusterUid: string
  readonly epoch: number
  /** Only ever rises, per cluster and epoch. */
  readonly sequence: number
  /** Digest of the payload of the snapshot before; null for the first. */
  readonly previous: Digest | null
  /** Seconds since the Unix epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** Sorted by name. */
  readonly applications: readonly SnapshotApplication[]
}

/**
 * One application in a snapshot. An application that is not listed is left alone: only
 * `state: 'removed'`, the tombstone, takes it away.
 */
export type SnapshotApplication =
  | ({
      readonly name: string
      /** Rises whenever the hub decides anew for this application and cluster. */
      readonly generation: number
      readonly state: 'present'
      readonly manifest: { readonly digest: Digest; readonly size: number }
      /** `main@sha1:…`, for people. */
      readonly revision: string
    } & Sparing)
  | ({
      readonly name: string
      readonly generation: number
      readonly state: 'removed'
      readonly deletionPolicy: DeletionPolicy
    } & Sparing)

/** What is not deleted although the application wants it no more; left out where nothing is spared. */
export type Sparing = {
  /**
   * Ids of objects that other applications are to get, maybe long after, or `*` alone for all. Sorted,
   * each once. An application that stays keeps them in mind until it gets other content.
   */
  readonly leave?: readonly string[]
  /** It goes back to what was before: objects that it had found, and not made itself, are let go. */
  readonly undo?: true
}

/** Ids that one application's `leave` may name; where there are more it is `leaveAll`. */
export const leaveLimit = 250

/** A `leave` that names nothing and spares everything. */
export const leaveAll: readonly string[] = ['*']

export function isLeaveAll(leave: readonly string[] | undefined): boolean {
  return leave?.includes('*') === true
}

/** An approver's word that some content may run. Bound to the content, not to a sequence. */
export interface Approval {
  readonly v: 1
  readonly fleet: string
  readonly application: string
  /** Digest of the manifest that may run, or `removed` for the application's tombstone. */
  readonly content: Digest | 'removed'
  /** Names of clusters, or `*` alone. Sorted. */
  readonly clusters: readonly string[]
  /** Seconds since the Unix epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/** The signer's word that a snapshot is still the newest of its cluster; lives minutes. */
export interface Freshness {
  readonly v: 1
  readonly fleet: string
  /** Cluster id, as the hub's record has it. */
  readonly aud: string
  /** The agent's own nonce, base64url: nobody can have made this statement before it asked. */
  readonly nonce: string
  /** Seconds since the Unix epoch; with the nonce, time that is attested. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** Newest snapshot signed for this cluster; sequence 0 and null before the first. */
  readonly epoch: number
  readonly sequence: number
  readonly snapshot: Digest | null
  readonly rootVersion: number
  /** Newest line of the ledger, so that agents are witnesses of it; null when there is none. */
  readonly auditHead: { readonly index: number; readonly digest: Digest } | null
}
