import type { Digest } from '@groundswell/proto/digest.ts'
import type { Equivocation } from '../bundle/equivocation.ts'

export type Phase = 'Pending' | 'Applying' | 'Applied' | 'Failed' | 'Removed'
export type Health = 'Unknown' | 'InProgress' | 'Current' | 'Failed' | 'Terminating' | 'NotFound'

/** Connected or not is its own fact: an unreachable cluster is neither healthy nor failed. */
export type Connection =
  | { readonly state: 'Connected'; readonly since: number; readonly replica: string }
  | { readonly state: 'Disconnected'; readonly since: number }
  | { readonly state: 'NeverConnected' }

/** What an agent last said of one application. Times are milliseconds by the hub's clock. */
export interface ApplicationStatus {
  readonly application: string
  readonly digest: Digest | null
  readonly generation: number
  readonly phase: Phase
  readonly health: Health
  readonly objects: number
  readonly readyObjects: number
  readonly unhealthy: readonly { object: string; health: Health; message: string }[]
  readonly errors: readonly { object: string; file: string; code: string; message: string }[]
  readonly drift: readonly ObjectDrift[]
  readonly driftedObjects: number
  readonly healed: number
  /** What it waits for while it is being applied, in words. */
  readonly waiting?: string
  /** By the stricter rules that a rollout goes by, where those say worse. */
  readonly gate?: {
    readonly health: Health
    readonly objects: readonly { object: string; health: Health; message: string }[]
  }
  readonly updatedAt: number
  /** Content that a hold at the cluster keeps from being applied. */
  readonly held?: { readonly digest: Digest | null; readonly generation: number }
}

/** A local veto, as the agent told it. Its end is by the agent's clock. */
export interface AgentHold {
  readonly refuse: boolean
  readonly until: number | null
  readonly reason: string
  readonly applications: readonly string[]
  readonly source: string
  readonly fault: string
}

export interface ObjectDrift {
  readonly object: string
  readonly missing: boolean
  readonly firstSeen: number
  readonly fields: readonly FieldDrift[]
  /** Field manager that undoes repairs, for whose sake they are held back. */
  readonly contestedBy?: string
}

export interface FieldDrift {
  readonly path: string
  readonly desired: string
  readonly live: string
  readonly manager: string
  /** When that manager made the change, by the API server's clock. */
  readonly changedAt?: number
}

/** A code and words for people. */
export interface Told {
  readonly code: string
  readonly message: string
}

/** All the hub knows of what one cluster runs. */
export interface ClusterStatus {
  readonly cluster: string
  readonly connection: Connection
  readonly lastSeen: number | null
  readonly agentVersion: string
  readonly kubernetesVersion: string
  readonly nodes: number
  /** Sequence of the snapshot the agent accepted. */
  readonly sequence: number
  /** Set when the agent refused the last offer. */
  readonly refusal: Told | null
  /** The agent said that it has seen no freshness statement for too long. */
  readonly stale?: boolean
  /** Until when the last freshness statement lives that it was given; none was asked for without. */
  readonly freshUntil?: number
  /** What the agent was told of the ledger contradicts itself; by the agent's own word. */
  readonly auditFault?: Told | null
  /** What the agent was told of the ledger is not what this hub's ledger says. */
  readonly ledgerFault?: Told | null
  /** Two snapshots under one sequence, proved; the newest few, newest last. */
  readonly equivocations?: readonly (Equivocation & { readonly at: number })[]
  /** What whoever keeps the cluster has wait, or refuses. */
  readonly holds?: readonly AgentHold[]
  readonly applications: Readonly<Record<string, ApplicationStatus>>
}
