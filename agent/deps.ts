import type { Root } from '@groundswell/proto/statement.ts'
import type { DryRuns } from './dry-run/dry-runs.ts'
import type { Receipts } from './receipts.ts'
import type { Trace } from './trace.ts'
import type { Credentials } from './link/credentials.ts'
import type { Digest } from '@groundswell/proto/digest.ts'
import type { Holds } from './hold/holds.ts'
import type { KeptStore } from './trust/kept.ts'
import type { Stream } from './link/grpc.ts'
import type { Decompress } from './link/unpack.ts'
import type { ApplicationState } from './observe/status.ts'
import { type EvidenceStore } from './trust/evidence.ts'
import type { ContentCache, Identity, TrustStore } from './trust/state.ts'
import type { VerifiedSnapshot } from './trust/verified.ts'

/* What the agent is made of: its ports, and what of the world is handed to it. */

/** The part of the agent that changes a cluster and watches it. */
export interface Workloads {
  reconcile(
    snapshot: VerifiedSnapshot,
    signal: AbortSignal,
    earlier?: readonly VerifiedSnapshot[],
  ): Promise<void>
  states(): readonly ApplicationState[]
  /** Manifests that are healed though the snapshot asks for others, or have something to run for a removal. */
  kept?(): Promise<ReadonlySet<Digest>>
}

export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface AgentDeps {
  readonly identity: Identity
  readonly root: Root
  readonly trust: TrustStore
  readonly content: ContentCache
  /** Without it, evidence of equivocation lives as long as the agent. */
  readonly evidence?: EvidenceStore
  /** Without it, what a hold keeps running is not healed after a restart. */
  readonly kept?: KeptStore
  /** What somebody at the cluster has wait; without it, nobody can. */
  readonly holds?: Pick<Holds, 'active' | 'listen'>
  readonly workloads: Workloads
  /** Signs what came of what was applied; without it, nothing is signed. */
  readonly receipts?: Pick<Receipts, 'attach'>
  /** Follows commits; without it, nobody does. */
  readonly trace?: Trace
  /** Answers what the API server would say to proposed objects; without it, nobody does. */
  readonly dryRuns?: Pick<DryRuns, 'take'>
  readonly dial: () => Stream
  /** Renews what `dial` proves itself by; without it, that stays as it is. */
  readonly credentials?: Credentials
  readonly decompress: Decompress
  /** Frees the memory of messages that were dealt with. */
  readonly collect?: () => void
  readonly facts: () => { kubernetesVersion: string; nodes: number; apis?: readonly string[] }
  readonly version: string
  readonly clock: () => number
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number
  readonly random: () => number
  /** 32 random bytes. */
  readonly nonce: () => Uint8Array
  /** Resolves after `ms`, or at once when the signal fires. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly every: (ms: number, run: () => void) => () => void
  readonly log: Log
}
