import { type TProperties, type TSchema, Type } from 'typebox'
import { roles } from '../access/principal.ts'
import type { GateSide } from '../rollout/gate/planned-gate.ts'
import { DurationText } from '../fleet/kinds/fields.ts'
import { LoginView, MadeApiTokenView, ApiTokenView, WhoView } from './access-view.ts'
import { DryRunView } from './dry-run-view.ts'
import { Problem } from './problem.ts'
import { FactsView } from './facts-view.ts'
import { MatrixRow, MatrixView } from './matrix-view.ts'
import { sortBy } from './order.ts'
import { SupportView } from './support-view.ts'
import { SourceView } from './source-view.ts'
import {
  AuditEntry,
  DriftRow,
  HeldView,
  OpenGateView,
  PolicyView,
  RevisionView,
  CommitView,
  SummaryView,
  WindowView,
} from './survey-view.ts'
import { ImageList } from './image-view.ts'
import { ObjectsView } from './objects-view.ts'
import { PlannedView } from './plan-view.ts'
import { ReceiptResultsView, ReceiptView, receiptIdShape } from './receipt-view.ts'
import { ProposalView } from './proposal-view.ts'
import { PullRequestList, PullRequestView } from './pull-request-view.ts'
import {
  type RolloutClusterOutcome,
  type RolloutClusterState,
  RolloutClusterView,
  RolloutSummary,
  rolloutClusterOutcomes,
  rolloutClusterStates,
  RolloutView,
} from './rollout-view.ts'
import {
  ApplicationView,
  ClusterDiffView,
  ClusterSummary,
  ClusterView,
  DiffView,
  EventGap,
  EventIdText,
  EventView,
  FleetView,
  GroupView,
  HealthView,
  ApprovalView,
  AuthorityView,
  PendingView,
  TokenView,
  TrustView,
} from './views.ts'

/* Shapes of requests, and of answers that are not a view by themselves. */

const closed = { additionalProperties: false } as const

export const Name = Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' })
const RolloutId = Type.String({ pattern: '^[A-Za-z0-9][-A-Za-z0-9._]{0,99}$' })
const Limit = Type.Integer({ minimum: 1, maximum: 500, default: 100 })
const Reason = Type.String({ maxLength: 500, description: 'kept in the ledger' })

export const ByName = Type.Object({ name: Name }, closed)
export const ByCommit = Type.Object(
  { name: Name, commit: Type.String({ pattern: '^[0-9a-f]{40}$' }) },
  closed,
)
export const ByToken = Type.Object({ id: Type.String({ pattern: '^[0-9a-z]{12}$' }) }, closed)
export const ByRollout = Type.Object({ id: RolloutId }, closed)
export const ByReceipt = Type.Object(
  { name: Name, id: Type.String({ pattern: receiptIdShape }) },
  closed,
)
export const ByClusterApplication = Type.Object({ name: Name, application: Name }, closed)

const Fields = Type.String({
  minLength: 1,
  maxLength: 512,
  pattern: '^[A-Za-z][A-Za-z0-9]*([.,][A-Za-z][A-Za-z0-9]*)*$',
  description: 'only these members of each item, such as `name,counts.failed`',
})
const selecting = { fields: Type.Optional(Fields) }
const Selector = Type.String({
  maxLength: 1_024,
  description: 'label selector: env=prod,region in (a,b)',
})

const paging = {
  limit: Type.Optional(Limit),
  continue: Type.Optional(Type.String({ maxLength: 256, description: 'from the page before' })),
}
export const NoQuery = Type.Object({}, closed)
export const PageQuery = Type.Object(paging, closed)
export const ImagesQuery = Type.Object({ ...paging, ...selecting }, closed)
export const ReceiptsQuery = Type.Object(
  { ...paging, ...selecting, application: Type.Optional(Name) },
  closed,
)
export const ObjectsQuery = Type.Object(
  {
    ...paging,
    ...selecting,
    group: Type.Optional(Type.String({ maxLength: 253, description: 'empty: the core group' })),
    kind: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
    unwell: Type.Optional(
      Type.Boolean({ description: 'only those that are not Current, or differ from Git' }),
    ),
  },
  closed,
)
/** Of a list that can be sorted and narrowed to some members. */
export const SortedQuery = <const F extends string>(...fields: readonly F[]) =>
  Type.Object({ ...paging, ...selecting, sort: Type.Optional(sortBy(...fields)) }, closed)
/** Of one whose items have labels, too. */
export const SelectorQuery = <const F extends string>(...fields: readonly F[]) =>
  Type.Object(
    {
      ...paging,
      ...selecting,
      selector: Type.Optional(Selector),
      sort: Type.Optional(sortBy(...fields)),
    },
    closed,
  )
/** Of one thing. */
export const FieldsQuery = Type.Object(selecting, closed)
export const RolloutClustersQuery = Type.Object(
  {
    ...paging,
    ...selecting,
    wave: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    state: Type.Optional(
      Type.Unsafe<RolloutClusterState>({ type: 'string', enum: [...rolloutClusterStates] }),
    ),
    outcome: Type.Optional(
      Type.Unsafe<RolloutClusterOutcome>({ type: 'string', enum: [...rolloutClusterOutcomes] }),
    ),
  },
  closed,
)
export const RolloutsQuery = Type.Object(
  {
    ...paging,
    ...selecting,
    sort: Type.Optional(sortBy('createdAt')),
    application: Type.Optional(Name),
    active: Type.Optional(Type.Boolean({ description: 'only unfinished, or only finished ones' })),
  },
  closed,
)
export const EventsQuery = Type.Object(
  { limit: Type.Optional(Limit), after: Type.Optional(EventIdText) },
  closed,
)
export const AuditQuery = Type.Object(
  {
    limit: Type.Optional(Limit),
    after: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  },
  closed,
)
export const StreamQuery = Type.Object({ after: Type.Optional(EventIdText) }, closed)
export const DiffQuery = Type.Object({ ...paging, cluster: Type.Optional(Name) }, closed)

export const StartBody = Type.Object({ application: Name, reason: Type.Optional(Reason) }, closed)
export const ActionBody = Type.Object({ reason: Type.Optional(Reason) }, closed)
export const GateBody = Type.Object(
  {
    reason: Type.Optional(Reason),
    at: Type.Optional(
      Type.Object(
        {
          wave: Type.Integer({ minimum: 0, description: 'counted from 0' }),
          gate: Type.Unsafe<GateSide>({ type: 'string', enum: ['before', 'after'] }),
        },
        {
          ...closed,
          description: 'the gate that was seen: refused where the rollout waits at another',
        },
      ),
    ),
  },
  closed,
)
export const SkipBody = Type.Object({ cluster: Name, reason: Type.Optional(Reason) }, closed)
export const EnvelopeBody = Type.Object(
  { envelope: Type.String({ minLength: 4, maxLength: 60_000, description: 'base64' }) },
  { additionalProperties: false },
)
export const TokenBody = Type.Object(
  {
    ttl: Type.Optional(DurationText),
    preApproved: Type.Optional(Type.Boolean({ description: 'no fingerprint has to be compared' })),
    replace: Type.Optional(Type.Boolean({ description: 'may replace an agent that is enrolled' })),
    clusterUid: Type.Optional(
      Type.String({ pattern: '^[0-9a-f-]{36}$', description: 'the only cluster that may use it' }),
    ),
    labels: Type.Optional(
      Type.Record(Type.String({ maxLength: 317 }), Type.String({ maxLength: 63 }), {
        maxProperties: 32,
        description: 'labels the cluster must have in Git',
      }),
    ),
    project: Type.Optional(Type.String({ maxLength: 63, description: 'kept in the ledger' })),
  },
  closed,
)
export const ApiTokenBody = Type.Object(
  {
    name: Name,
    role: Type.Optional(
      Type.Union(
        roles.map((role) => Type.Literal(role)),
        { description: 'over the whole fleet' },
      ),
    ),
    groups: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        maxItems: 50,
        description: 'as roles of Projects name them; that, or a role',
      }),
    ),
    ttl: Type.Optional(DurationText),
  },
  closed,
)
export const ApproveBody = Type.Object(
  { fingerprint: Type.String({ minLength: 1, maxLength: 100 }) },
  closed,
)
export const RevokeBody = Type.Object({ reason: Type.Optional(Reason) }, closed)

function listOf<S extends TSchema>($id: string, item: S) {
  return Type.Object(
    {
      items: Type.Array(item),
      continue: Type.Union([Type.String(), Type.Null()], { description: 'null on the last page' }),
    },
    { $id },
  )
}

export const ClusterList = listOf('ClusterList', ClusterSummary)
export const PendingList = listOf('PendingList', PendingView)
export const AuthorityList = listOf('AuthorityList', AuthorityView)
export const ApiTokenList = listOf('ApiTokenList', ApiTokenView)
export const GroupList = listOf('GroupList', GroupView)
export const ApplicationList = listOf('ApplicationList', ApplicationView)
export const HeldList = listOf('HeldList', HeldView)
export const OpenGateList = listOf('OpenGateList', OpenGateView)
export const DriftList = listOf('DriftList', DriftRow)
export const RevisionList = listOf('RevisionList', RevisionView)
export const WindowList = listOf('WindowList', WindowView)
export const PolicyList = listOf('PolicyList', PolicyView)
export const AuditList = Type.Object(
  {
    items: Type.Array(AuditEntry),
    next: Type.Union([Type.Integer(), Type.Null()], { description: 'what `after` goes on with' }),
  },
  { $id: 'AuditList' },
)
export const ReceiptList = listOf('ReceiptList', ReceiptView)
export const SourceList = listOf('SourceList', SourceView)
export const RolloutClusterList = listOf('RolloutClusterList', RolloutClusterView)
export const RolloutPreviewQuery = Type.Object(
  { back: Type.Optional(Type.Boolean({ description: 'what undoing it would change' })) },
  closed,
)
export const RolloutList = listOf('RolloutList', RolloutSummary)
export const EventList = Type.Object(
  {
    items: Type.Array(EventView),
    gap: Type.Union([EventGap, Type.Null()], {
      description:
        'set where events before the first item are kept no more, after the id asked for',
    }),
  },
  { $id: 'EventList' },
)
export const VersionView = Type.Object({ version: Type.String() }, { $id: 'VersionView' })

/** Registered once each; routes and OpenAPI refer to them by name. */
export const components: readonly TSchema[] = [
  Problem,
  RolloutView,
  RolloutSummary,
  RolloutClusterView,
  RolloutClusterList,
  ClusterSummary,
  ClusterDiffView,
  MatrixRow,
  EventView,
  EventGap,
  PendingView,
  AuthorityView,
  HeldView,
  OpenGateView,
  DriftRow,
  RevisionView,
  WindowView,
  PolicyView,
  AuditEntry,
  ClusterView,
  FactsView,
  MatrixView,
  DiffView,
  DryRunView,
  SupportView,
  FleetView,
  GroupView,
  HealthView,
  ObjectsView,
  ReceiptView,
  ReceiptList,
  ReceiptResultsView,
  ImageList,
  SourceList,
  SourceView,
  CommitView,
  SummaryView,
  HeldList,
  OpenGateList,
  DriftList,
  RevisionList,
  WindowList,
  PolicyList,
  AuditList,
  TokenView,
  ApiTokenList,
  ApiTokenView,
  MadeApiTokenView,
  WhoView,
  LoginView,
  TrustView,
  ApprovalView,
  ApplicationView,
  ClusterList,
  PendingList,
  AuthorityList,
  GroupList,
  ApplicationList,
  RolloutList,
  EventList,
  PlannedView,
  ProposalView,
  PullRequestView,
  PullRequestList,
  VersionView,
].map(withoutInnerNames)

/** What every route may answer instead, with a media type of its own. */
export const problem = {
  default: Type.Unsafe({
    description: 'RFC 9457 problem',
    content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
  }),
}

/** The answers of a route: one success, and the problem for all the rest. */
export function answers(status: number, component: TSchema & { $id?: string }): TProperties {
  return {
    [status]: Type.Unsafe({ $ref: `${component.$id}#`, description: component.$id }),
    ...problem,
  }
}

/** The answers of a route that has nothing to say when it went well. */
export function noContent(description: string): TProperties {
  return {
    204: Type.Unsafe({ type: 'null', description }),
    ...problem,
  }
}

/** A schema inlined in another must not claim its name a second time. */
function withoutInnerNames(schema: TSchema): TSchema {
  const outer = (schema as { $id?: string }).$id
  const copy = JSON.parse(
    JSON.stringify(schema, (key, value: unknown) => (key === '$id' ? undefined : value)),
  ) as TSchema
  return { ...copy, $id: outer }
}
