import type { Digest } from '@groundswell/proto/digest.ts'
import type { ApiTokenRecord } from '../access/api-token.ts'
import type { ChainHead } from './chain.ts'
import type { ProvenSince } from '../rollout/advance/proven-since.ts'
import type { Hold, RolloutPlan, RolloutRun } from '../rollout/rollout.ts'

/** One decision. The union is closed: replay must understand every type there is. */
export type Decision =
  | { readonly type: 'fleet.accepted'; readonly revision: string }
  | { readonly type: 'rollout.created'; readonly plan: RolloutPlan }
  | {
      readonly type: 'rollout.moved'
      readonly rollout: string
      /** What set it in motion: `observe` or the action's kind. */
      readonly cause: string
      readonly reason: string
      /** What changed of the run: given members replace, `clusters` merges by name. */
      readonly change: Partial<RolloutRun> & Pick<RolloutRun, 'version'>
      /** As it begins: what has proven good since it was planned, and a rollback goes back to instead. */
      readonly previous?: ProvenSince
    }
  /**
   * Git asks for something else on clusters that a rollout ended without: what it was to bring there comes
   * again, as something new, once Git asks for that again.
   */
  | {
      readonly type: 'rollout.overruled'
      readonly application: string
      readonly rollout: string
      readonly clusters: readonly string[]
    }
  | { readonly type: 'hold.set'; readonly hold: Hold }
  | { readonly type: 'hold.released'; readonly application: string; readonly reason: string }
  | {
      readonly type: 'token.created'
      readonly token: JoinTokenRecord
    }
  | {
      readonly type: 'cluster.enrolled'
      readonly enrolment: Enrolment
      readonly tokenId: string
    }
  | {
      readonly type: 'root.published'
      readonly version: number
      /** Base64. */
      readonly envelope: string
    }
  | { readonly type: 'approval.recorded'; readonly approval: RecordedApproval }
  /** A token that can join nobody any more: too many wrong proofs. */
  | { readonly type: 'token.spent'; readonly tokenId: string; readonly cluster: string }
  /** Joined with a token that is used up by it, but not trusted until somebody approves. */
  | {
      readonly type: 'cluster.pending'
      readonly enrolment: Enrolment
      readonly tokenId: string
    }
  | { readonly type: 'cluster.approved'; readonly cluster: string; readonly clusterId: string }
  | { readonly type: 'cluster.revoked'; readonly cluster: string; readonly reason: string }
  /** Nothing is signed for it and no certificate of it passes until it is unlocked. */
  | {
      readonly type: 'cluster.locked'
      readonly cluster: string
      readonly clusterId: string
      readonly reason: string
    }
  /** Certificates before `series` are dead; the bound key may take one up to `recoverable`. */
  | {
      readonly type: 'cluster.unlocked'
      readonly cluster: string
      readonly clusterId: string
      readonly series: number
      readonly recoverable: number
      readonly reason: string
    }
  /** A certificate was given to the bound key: the first one after approval, or a recovery. */
  | {
      readonly type: 'cluster.recovered'
      readonly cluster: string
      readonly clusterId: string
      readonly series: number
      /** Digest of the key it is for. */
      readonly key: Digest
    }
  | {
      readonly type: 'recovery.granted'
      readonly cluster: string
      readonly clusterId: string
      readonly recoverable: number
      readonly reason: string
    }

  /**
   * What a cluster is, by its agent's word: charts that ask are rendered for that from here on. `names`
   * is there where no entry before has the list.
   */
  | {
      readonly type: 'facts.reported'
      readonly cluster: string
      readonly kubernetesVersion: string
      readonly apis: Digest
      readonly names?: readonly string[]
    }
  /** What agents say came of what they were given; each is signed by its agent. */
  | { readonly type: 'receipts.kept'; readonly receipts: readonly KeptReceipt[] }
  /** Of each provider, the entry up to which everything was told, or given up. */
  | { readonly type: 'alerts.told'; readonly through: Readonly<Record<string, number>> }
  /** A host was asked to undo a commit that was rolled back. */
  | {
      readonly type: 'revert.proposed'
      readonly application: string
      readonly rollout: string
      readonly repository: string
      readonly commit: string
      /** Where people see it. */
      readonly url: string
    }
  /** A bearer token for a program; of the secret, a hash. */
  | { readonly type: 'apiToken.created'; readonly token: ApiTokenRecord }
  | { readonly type: 'apiToken.revoked'; readonly id: string; readonly name: string }
  /** A replica leads from here on; entries of an older term can follow no more. */
  | {
      readonly type: 'lease.taken'
      readonly replica: string
      readonly term: number
      /** `host:port` where other replicas reach it; missing of one that serves them nothing. */
      readonly address?: string
    }

/** An approver's statement; agents check its signatures themselves. */
export interface RecordedApproval {
  readonly application: string
  readonly content: Digest | 'removed'
  /** Names, or `*` alone. */
  readonly clusters: readonly string[]
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number
  /** Base64. */
  readonly envelope: string
}

/** An agent's receipt (proto/receipt.ts); what came of each object is kept beside the ledger. */
export interface KeptReceipt {
  readonly cluster: string
  readonly application: string
  readonly results: Digest
  /** Compact JWS. */
  readonly receipt: string
}

/** What the hub keeps of a join token: never the secret. */
export interface JoinTokenRecord {
  readonly tokenId: string
  readonly cluster: string
  /** SHA-256 of the secret, closed for the fleet's hubs (`hub/sync/token-key.ts`); in hex before that was. */
  readonly key: string
  readonly expiresAt: number
  /** Joins without anybody comparing a fingerprint. */
  readonly preApproved?: boolean
  /** The only cluster that may use it, by UID of its kube-system namespace. */
  readonly clusterUid?: string
  /** May take the place of an identity that is in use. */
  readonly replace?: boolean
  /** Labels the cluster had to have in Git when the token was made. */
  readonly labels?: Readonly<Record<string, string>>
  readonly project?: string
}

/** Who a cluster's agent is. Identity comes from here, never from a certificate request. */
export interface Enrolment {
  readonly cluster: string
  readonly clusterId: string
  readonly clusterUid: string
  /** Raw Ed25519 public key, base64url. */
  readonly boundKey: string
  readonly enrolledAt: number
  /**
   * Rises with each certificate given to the bound key. A client certificate names its series and
   * only the newest passes, whatever Redis says. Missing: joined before there were series.
   */
  readonly series?: number
  /** Highest series the bound key may take without an operator. */
  readonly recoverable?: number
  /** What people compare; the first certificate is for the key that it covers. */
  readonly fingerprint?: string
  /** Digest of the key that the newest series was claimed for: asked again, it is no new claim. */
  readonly claimedKey?: Digest
}

/** A line of the ledger: hash-chained, so that a missing or altered one is noticed. */
export interface LedgerEntry {
  /** From 1, no gaps. */
  readonly index: number
  /** Digest of the line before; of nothing (`sha256` of the empty text) for the first. */
  readonly previous: Digest
  readonly at: number
  readonly actor: string
  readonly decision: Decision
}

/** The durable record of decisions. An append that returned has reached the disk. */
export interface Ledger {
  /** Index of the newest entry; 0 when empty. */
  readonly head: number
  append(actor: string, decisions: readonly Decision[]): Promise<readonly LedgerEntry[]>
  read(after?: number): AsyncIterable<LedgerEntry>
  close(): Promise<void>
}

/** A ledger that takes in what another hub appended: replicas of one fleet keep one chain. */
export interface ReplicatedLedger extends Ledger {
  /** Index and digest of the newest entry. */
  readonly end: ChainHead
  /**
   * Adds lines that continue the chain, byte for byte. Resolves once they are on the disk.
   *
   * @throws HubError `ledger_corrupt` naming the first that does not follow; none is added then
   */
  adopt(lines: readonly string[]): Promise<readonly LedgerEntry[]>
}
