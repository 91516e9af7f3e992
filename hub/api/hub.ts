import type { Digest } from '@groundswell/proto/digest.ts'
import type { Manifest } from '@groundswell/proto/manifest.ts'
import type { Rights } from '../access/rights.ts'
import type { Principal } from '../access/principal.ts'
import type { RootWarning } from '../bundle/root-warning.ts'
import type { RolloutAction, RolloutPlan, RolloutRun } from '../rollout/rollout.ts'
import type { ApplicationStatus } from '../status/status.ts'
import type { CommitTaken } from '../taken-commits.ts'
import type { FactsWire } from '../fleet/resolve/facts-wire.ts'
import type { VisitedRef } from '../source/visit.ts'
import type { Matrix } from '../status/matrix.ts'
import type { DryRunView } from './dry-run-view.ts'
import type { Order, Place } from './order.ts'
import type { PlannedView } from './plan-view.ts'
import type { ProposalView } from './proposal-view.ts'
import type { PullRequestList } from './pull-request-view.ts'
import type { RolloutRecord } from './rollout-view.ts'
import type { SourceView } from './source-view.ts'
import type { ObjectReceipt } from '@groundswell/proto/receipt.ts'
import type { FiledReceipt, ReceiptPlace } from '../receipt/kept.ts'
import type { ApplicationImages } from '../status/images.ts'
import type {
  AuditEntry,
  DriftRow,
  HeldView,
  OpenGateView,
  PolicyView,
  RevisionView,
  SummaryView,
  WindowView,
} from './survey-view.ts'
import type {
  ApplicationView,
  ApprovalView,
  ClusterDiffView,
  ClusterSummary,
  ClusterView,
  EventGap,
  EventView,
  FleetView,
  GroupView,
  HealthView,
  AuthorityView,
  PendingView,
  TokenView,
  TrustView,
} from './views.ts'

/** A plan, and what it would do. */
export interface PlannedRollout extends Omit<PlannedView, 'application' | 'rollout'> {
  readonly plan: RolloutPlan
  /** Of one that is under way already and brings what Git asks; null of a new one. */
  readonly run: RolloutRun | null
}

/** In order, made as it is read, so that a page costs what it shows. */
export type Listing<T> = Iterable<T> | AsyncIterable<T>

/** The applications a caller may see; clusters count and list only those. */
export type Sight = (application: string) => boolean

/** What people may do to a rollout; superseding is the hub's own affair. */
export type OperatorAction = Exclude<RolloutAction, { kind: 'supersede' }>

/** What the application should be on a cluster, and what its agent last said of it. */
export interface AssignedManifest {
  readonly digest: Digest
  readonly revision: string
  readonly manifest: Manifest
  readonly status: ApplicationStatus | null
}

/**
 * All the API needs of the hub. Lookups return undefined for what does not exist; actions throw
 * HubError: `not_found`, `conflict` when the state does not allow it, `plan_invalid`, `forbidden`. What may
 * only not be known yet, since Git was not read, is `not_ready`.
 */
export interface Hub extends Survey {
  /** What somebody may do now; it goes with the newest commit. */
  rights(principal: Principal): Rights
  /** Of a sight: those with an application in it. Only those whose labels are kept are looked at. */
  clusters(query: ClusterQuery, sight?: Sight): Listing<PlacedCluster>
  cluster(name: string, sight?: Sight): Promise<ClusterView | undefined>
  /** Every cluster and application there is, or those that may be seen. */
  matrix(sight?: Sight): Matrix
  /** Of a sight: those with a cluster that has an application in it, and only such clusters of each. */
  groups(after: string | null, sight?: Sight): Listing<GroupView>
  group(name: string, sight?: Sight): Promise<GroupView | undefined>
  applications(after: string | null): Listing<ApplicationView>
  application(name: string): Promise<ApplicationView | undefined>
  /** By cluster name; throws `not_found` for an unknown application. */
  diff(application: string): Listing<ClusterDiffView>
  /** Undefined when the cluster has no such application assigned. */
  manifest(cluster: string, application: string): Promise<AssignedManifest | undefined>

  /** What agents of a cluster signed, newest first, from the first that is older than `after`. */
  receipts(cluster: string, query: ReceiptQuery, sight?: Sight): Listing<FiledReceipt>
  /** One of them, with what came of each object as far as that is kept. */
  receipt(cluster: string, place: ReceiptPlace, sight?: Sight): Promise<ReceiptOfHub | undefined>
  /** Undefined for an unknown application. */
  images(application: string): Promise<ApplicationImages | undefined>

  /** Newest first, from the first older than the rollout `after`. */
  rollouts(query: RolloutQuery): Listing<RolloutRecord>
  rollout(id: string): Promise<RolloutRecord | undefined>
  /** Of a rollout that is not forgotten yet. */
  applicationOf(rollout: string): string | undefined
  /**
   * What would roll out now, or what is left of a rollout that brings it already; null when every
   * cluster has what Git asks. Starts nothing; with `live` the clusters are asked what they would say.
   */
  planRollout(
    application: string,
    options: { readonly live: boolean },
  ): Promise<PlannedRollout | null>
  /**
   * What is left of a rollout, or with `back` what undoing it would change; throws `not_found`, and
   * `not_ready` before Git was read.
   */
  previewRollout(id: string, options: { readonly back: boolean }): Promise<PlannedRollout>
  /**
   * What a branch, commit or pull request of the fleet repository would change; throws `not_found`,
   * `busy`, and why it cannot be read.
   */
  propose(ref: VisitedRef): Promise<ProposalView>
  /** What is open on its Git host; throws `forge_unreachable` and `forge_refused`, and why. */
  pullRequests(): Promise<PullRequestList>
  /** Returns once the decision is durable; `conflict` when there is nothing to roll out. */
  startRollout(application: string, by: Principal, reason: string): Promise<RolloutRecord>
  /** With `version`, `conflict` unless the run is still at that version. */
  actOnRollout(
    id: string,
    action: OperatorAction,
    by: Principal,
    reason: string,
    version?: number,
  ): Promise<RolloutRecord>

  /** What the cluster's API server would say; `conflict` when it is away. Writes nothing. */
  dryRun(cluster: string, request: DryRunRequest): Promise<DryRunView>

  createToken(cluster: string, request: TokenRequest, by: Principal): Promise<TokenView>
  /** Agents that joined and wait for somebody to compare their fingerprint; by cluster name. */
  pendingClusters(): readonly PendingView[]
  /** The hub's own certificate authorities, the issuing one first. */
  authorities(): readonly AuthorityView[]
  /** `conflict` when the agent that waits has another fingerprint. */
  approveCluster(cluster: string, fingerprint: string, by: Principal): Promise<void>
  revokeCluster(cluster: string, by: Principal, reason: string): Promise<void>
  unlockCluster(cluster: string, by: Principal, reason: string): Promise<void>
  recoverCluster(cluster: string, by: Principal, reason: string): Promise<void>

  /** Whether what clusters are to run for an application takes a commit (its whole id) into account. */
  commit(application: string, commit: string): Promise<CommitTaken>
  fleet(): Promise<FleetView>
  /** What agents reported of their clusters. */
  facts(): FactsWire
  /** By name, rising. */
  sources(): Promise<readonly SourceView[]>
  /** Rising; after an id the next ones, after null the newest (before an id). At most `limit`. */
  events(query: { after: string | null; before?: string; limit: number }): Promise<EventPage>
  /**
   * What follows `after` (null: from now on) until the signal aborts, and a gap wherever events are not
   * kept any more that would come next. Bounded inside.
   */
  subscribe(after: string | null, signal: AbortSignal): AsyncIterable<EventView | EventGap>

  /** Throws `unauthenticated` for an unknown name and for a signature that does not hold. */
  webhook(name: string, headers: WebhookHeaders, rawBody: Uint8Array): Promise<void>
  health(): Promise<HealthView>
}

/** A look at the log of events. */
export interface EventPage {
  readonly items: readonly EventView[]
  /** Set where events before the first item, after the id that was asked for, are not kept any more. */
  readonly gap: EventGap | null
}

/** What is said of the fleet as a whole. */
export interface Survey {
  summary(): SummaryView
  /** By application. */
  holds(): readonly HeldView[]
  /** Throws `not_found` when nothing of it is held. */
  releaseHold(application: string, by: Principal, reason: string): Promise<void>
  /** Gates that wait for approval now. */
  gates(): readonly OpenGateView[]
  /** By cluster, then application; from the first after a pair of both. */
  drift(after: readonly [cluster: string, application: string] | null): Listing<DriftRow>
  /** Newest first. */
  revisions(application: string): readonly RevisionView[]
  /** Those of Projects, of ClusterGroups, of Clusters, each by name; without the first `from`. */
  windows(from: number): Listing<WindowView>
  /** By name. */
  policies(): readonly PolicyView[]
  /** Rising; after an index, or the newest. */
  audit(after: number | null): Listing<AuditEntry>
}

/** Root statements and approvals. Each throws `root_refused` or `approval_refused`. */
export interface TrustDesk {
  show(): Promise<TrustView>
  /** What will go wrong with the newest root statement, unless there is another. */
  warnings(): readonly RootWarning[]
  publish(envelope: Uint8Array, by: Principal): Promise<TrustView>
  approve(envelope: Uint8Array, by: Principal): Promise<ApprovalView>
}

/** What clusters may be sorted by: it is known of each without looking at its applications. */
export const clusterOrders = [
  ...(['name', 'connection', 'lastSeen', 'lag', 'updated', 'pending', 'failed'] as const),
  ...(['unreachable', 'drifted', 'nodes', 'kubernetesVersion', 'agentVersion'] as const),
] as const
export type ClusterOrder = (typeof clusterOrders)[number]

export interface PlacedCluster {
  readonly cluster: ClusterSummary
  readonly place: Place
}

export interface ClusterQuery {
  readonly order: Order<ClusterOrder>
  readonly after: Place | null
  readonly keep?: (labels: Readonly<Record<string, string>>) => boolean
}

export interface ReceiptQuery {
  /** Only of this one. */
  readonly application: string | null
  readonly after: ReceiptPlace | null
}

export interface ReceiptOfHub {
  readonly filed: FiledReceipt
  readonly results: readonly ObjectReceipt[] | undefined
}

/** What a join token is to allow. */
export interface TokenRequest {
  /** Milliseconds. */
  readonly ttl: number
  readonly preApproved?: boolean
  readonly replace?: boolean
  readonly clusterUid?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly project?: string
}

/** Objects that are not in any commit the hub has read. */
export interface DryRunRequest {
  readonly application: string
  readonly targetNamespace?: string
  readonly project?: string
  /** `namespace/name` in whose name to ask; the application's own when absent. */
  readonly serviceAccount?: string
  readonly objects: readonly {
    readonly id: string
    readonly apiVersion: string
    readonly file?: string
    readonly json: string
  }[]
}

export interface RolloutQuery {
  readonly application: string | null
  readonly active: boolean | null
  /** Newest first when left out. */
  readonly oldestFirst?: boolean
  readonly after: string | null
}

export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>
