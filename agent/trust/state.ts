import type { Digest } from '@groundswell/proto/digest.ts'

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
}

export interface TrustStore {
  load(): Promise<TrustState>
  /** Returns only when the state has reached the disk. @throws AgentError `trust_state_unwritable` */
  save(state: TrustState): Promise<void>
}

/** The agent's copy of content, by digest. */
export interface ContentCache {
  has(digest: Digest): Promise<boolean>
  /** @throws AgentError `content_missing`, `digest_mismatch` */
  read(digest: Digest): Promise<Uint8Array>
  write(digest: Digest, bytes: Uint8Array): Promise<void>
  /** Drops everything that is not in `keep`. */
  sweep(keep: ReadonlySet<Digest>): Promise<void>
}
