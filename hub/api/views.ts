import type { Digest } from '@groundswell/proto/digest.ts'
import { type Static, type TProperties, Type } from 'typebox'
import { SeenFactsView } from './seen-facts-view.ts'
import { SourceView } from './source-view.ts'

/* What the REST API shows of the fleet. One schema each: the type, the response filter, OpenAPI
   and the CLI's check come from here. Times are RFC 3339 in UTC. Responses are open objects, so
   that an older client can talk to a newer hub. */

/** The same shape, deeply readonly, so that it can be built from the hub's own frozen types. */
export type Frozen<T> = T extends (infer E)[]
  ? readonly Frozen<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T

export const view = <P extends TProperties>($id: string, properties: P, description: string) =>
  Type.Object(properties, { $id, description })
const words = <const W extends readonly string[]>(...values: W) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: values })
export const orNull = <T extends ReturnType<typeof Type.Unsafe>>(schema: T) =>
  Type.Union([schema, Type.Null()])

const Count = Type.Integer({ minimum: 0 })
const Time = Type.String({ description: 'RFC 3339, UTC' })
export const DigestText = Type.Unsafe<Digest>({ type: 'string', pattern: '^sha256:[0-9a-f]{64}$' })
const TimeOrNull = Type.Union([Time, Type.Null()])
const TextOrNull = Type.Union([Type.String(), Type.Null()])
export const DigestOrNull = orNull(DigestText)
const Told = Type.Object({ code: Type.String(), message: Type.String() })
const ToldOrNull = Type.Union([Told, Type.Null()])
const Labels = Type.Record(Type.String(), Type.String())

export const Phase = words('Pending', 'Applying', 'Applied', 'Failed', 'Removed')
export const Health = words('Unknown', 'InProgress', 'Current', 'Failed', 'Terminating', 'NotFound')
const ConnectionView = Type.Object({
  state: words('Connected', 'Disconnected', 'NeverConnected'),
  since: TimeOrNull,
})

/** Clusters by what can be said of them; `unreachable` is neither healthy nor failed. */
export const StateCounts = Type.Object({
  updated: Count,
  pending: Count,
  failed: Count,
  unreachable: Count,
  drifted: Count,
})

export const ObjectDriftView = Type.Object({
  object: Type.String({ description: 'group/kind/namespace/name' }),
  missing: Type.Boolean(),
  firstSeen: Time,
  fields: Type.Array(
    Type.Object({
      path: Type.String({ description: 'JSON Pointer' }),
      desired: Type.String(),
      live: Type.String(),
      manager: Type.String({ description: 'field manager that made the live value, or empty' }),
      changedAt: Type.Optional(Time),
    }),
  ),
  contestedBy: Type.Optional(
    Type.String({ description: 'field manager that undoes repairs, which are held back for it' }),
  ),
})

/** One application on one cluster: what it should run against what its agent reports. */
const ClusterApplicationView = Type.Object({
  name: Type.String(),
  desiredDigest: DigestOrNull,
  desiredRevision: TextOrNull,
  reportedDigest: DigestOrNull,
  upToDate: Type.Boolean({ description: 'the agent reports the desired digest, applied' }),
  phase: orNull(Phase),
  health: orNull(Health),
  objects: Count,
  readyObjects: Count,
  driftedObjects: Count,
  message: Type.String({ description: 'first error or unhealthy object, or empty' }),
  held: Type.Optional(
    Type.Boolean({ description: 'a local veto keeps what it should run from being applied' }),
  ),
  updatedAt: TimeOrNull,
})

const clusterSummary = {
  name: Type.String(),
  displayName: Type.String(),
  labels: Labels,
  groups: Type.Array(Type.String()),
  lifecycle: words('Declared', 'Pending', 'Enrolled', 'Locked', 'Detached', 'Revoked'),
  lifecycleReason: Type.String({ description: 'why it is locked or revoked, or empty' }),
  suspended: Type.Boolean(),
  connection: ConnectionView,
  lastSeen: TimeOrNull,
  agentVersion: Type.String(),
  kubernetesVersion: Type.String(),
  facts: Type.Optional(SeenFactsView),
  nodes: Count,
  acceptedSequence: Type.Integer({ minimum: 0, description: 'newest snapshot accepted' }),
  offeredSequence: Type.Integer({ minimum: 0, description: 'newest snapshot signed' }),
  lagSeconds: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
    description: 'how long the newest snapshot has waited; 0 when accepted, null when unknown',
  }),
  stale: Type.Optional(
    Type.Boolean({ description: 'whether nobody can vouch that what it has is the newest' }),
  ),
  refusal: ToldOrNull,
  auditFault: Type.Optional(
    Type.Union([Told, Type.Null()], {
      description: 'what its agent was told of the ledger contradicts itself, or the ledger',
    }),
  ),
  equivocations: Type.Optional(
    Type.Array(
      Type.Object({
        epoch: Count,
        sequence: Count,
        accepted: DigestText,
        refused: DigestText,
        at: Time,
      }),
      { description: 'two snapshots under one sequence, proved by their signatures' },
    ),
  ),
  holds: Type.Optional(
    Type.Array(
      Type.Object({
        mode: words('postpone', 'refuse'),
        until: TimeOrNull,
        reason: Type.String(),
        applications: Type.Array(Type.String(), { description: 'none: all of them' }),
        source: Type.String({ description: 'where it was said at the cluster' }),
        fault: Type.String({ description: 'why it cannot be read, or empty; it holds everything' }),
      }),
      { description: 'local vetoes: updates that whoever keeps the cluster has wait, or refuses' },
    ),
  ),
  driftedObjects: Count,
  counts: Type.Object({ applications: Count, updated: Count, pending: Count, failed: Count }),
}
export const ClusterSummary = view('ClusterSummary', clusterSummary, 'A cluster, in counters.')
export const ClusterView = view(
  'ClusterView',
  { ...clusterSummary, applications: Type.Array(ClusterApplicationView) },
  'A cluster and each application it should run or still reports.',
)

export const GroupView = view(
  'GroupView',
  {
    name: Type.String(),
    labels: Labels,
    clusters: Type.Array(Type.String(), { description: 'members, by name' }),
    counts: Type.Object({ clusters: Count, connected: Count, unreachable: Count }),
  },
  'A cluster group.',
)

export const HoldView = Type.Object({
  contentDigest: DigestText,
  revision: Type.String(),
  rollout: Type.String(),
  at: Time,
  reason: Type.String(),
})

const FaultView = Type.Object({
  file: Type.Optional(Type.String()),
  line: Type.Optional(Type.Integer()),
  column: Type.Optional(Type.Integer()),
  object: Type.Optional(Type.String()),
  cluster: Type.Optional(Type.String()),
  message: Type.String(),
})

export const ApplicationView = view(
  'ApplicationView',
  {
    name: Type.String(),
    labels: Labels,
    source: Type.Object({
      repository: Type.String({ description: '`fleet` for the fleet repository itself' }),
      path: Type.String(),
      kind: words('directory', 'kustomize', 'helm'),
    }),
    strategy: Type.String({ description: 'its RolloutStrategy, `inline`, or `allAtOnce`' }),
    suspended: Type.Boolean(),
    revision: TextOrNull,
    targets: Count,
    counts: StateCounts,
    behind: Type.Optional(
      Type.Integer({
        minimum: 0,
        description:
          'targets that were given something else than Git asks for now: no rollout came to them yet, or it was aborted or rolled back. `counts` says how they are with what they were given',
      }),
    ),
    rollout: Type.Union([
      Type.Object({ id: Type.String(), phase: Type.String(), message: Type.String() }),
      Type.Null(),
    ]),
    hold: Type.Union([HoldView, Type.Null()]),
    faults: Type.Optional(
      Type.Array(FaultView, {
        description:
          'why the newest commit is not rolled out: it does not render, or a policy denies it',
      }),
    ),
    warnings: Type.Optional(
      Type.Array(FaultView, { description: 'what policies say that keeps nothing back' }),
    ),
  },
  'An application over all its clusters.',
)

export const ClusterDiffView = view(
  'ClusterDiffView',
  {
    cluster: Type.String(),
    connection: ConnectionView,
    desiredDigest: DigestOrNull,
    desiredRevision: TextOrNull,
    reportedDigest: DigestOrNull,
    upToDate: Type.Boolean(),
    driftedObjects: Count,
    drift: Type.Array(ObjectDriftView, { description: 'bounded; driftedObjects counts all' }),
  },
  'Desired against reported state of an application on a cluster.',
)
export const DiffView = view(
  'DiffView',
  {
    application: Type.String(),
    clusters: Type.Array(ClusterDiffView),
    continue: Type.Union([Type.String(), Type.Null()], { description: 'null on the last page' }),
  },
  'Desired against reported state of an application, a row a cluster.',
)

export const FleetView = view(
  'FleetView',
  {
    revision: Type.Union([Type.String(), Type.Null()], { description: 'last good revision' }),
    refused: Type.Union([Type.String(), Type.Null()], {
      description: 'newer revision that was refused for its faults',
    }),
    lastFetch: TimeOrNull,
    sources: Type.Array(Type.Object(SourceView.properties)),
    faults: Type.Array(FaultView),
    warnings: Type.Array(FaultView, {
      description: 'what is right but does not do all that its author may expect',
    }),
    counts: Type.Object({ clusters: Count, groups: Count, applications: Count }),
  },
  'What the hub last read from Git, and what is wrong with it.',
)

export const EventIdText = Type.String({ pattern: '^[0-9]{1,16}(-[0-9]{1,16})?$' })

export const EventView = view(
  'EventView',
  {
    id: EventIdText,
    at: Time,
    type: Type.String({ description: 'such as rollout.moved' }),
    actor: Type.String(),
    subject: Type.String({ description: 'kind/name, such as rollout/r-1' }),
    message: Type.String(),
  },
  'Something that happened. Ids rise in the order of the stream.',
)

export const EventGap = view(
  'EventGap',
  {
    after: { ...EventIdText, description: 'what was to be gone on from' },
    oldest: Type.Union([EventIdText, Type.Null()], {
      description: 'the first that is still kept: stream and list go on with it',
    }),
    message: Type.String(),
  },
  'Events after an id are kept no more: what follows them has to be read anew.',
)

export const TokenView = view(
  'TokenView',
  {
    cluster: Type.String(),
    token: Type.String({ description: 'shown once; the hub keeps only its hash' }),
    expiresAt: Time,
    address: Type.String({ description: 'what the agent dials, host:port' }),
    preApproved: Type.Boolean({ description: 'nobody has to compare a fingerprint' }),
  },
  'A join token for one cluster.',
)

export const TrustView = view(
  'TrustView',
  {
    fleet: Type.String(),
    version: Type.Integer(),
    epoch: Type.Integer(),
    digest: Type.String(),
    expiresAt: Time,
    roles: Type.Array(
      Type.Object({
        role: Type.String(),
        threshold: Type.Integer(),
        keys: Type.Array(Type.String({ description: 'RFC 7638 thumbprint' })),
      }),
    ),
    policies: Type.Array(
      Type.Object({
        group: Type.String(),
        clusters: Type.Array(Type.String()),
        approvers: Type.Integer(),
      }),
    ),
    warnings: Type.Optional(
      Type.Array(Told, { description: 'what goes wrong unless another one is published' }),
    ),
    envelopes: Type.Array(Type.String({ description: 'base64; oldest first' })),
  },
  'The newest root statement.',
)

export const ApprovalView = view(
  'ApprovalView',
  {
    application: Type.String(),
    content: Type.String({ description: 'digest of a manifest, or removed' }),
    clusters: Type.Array(Type.String()),
    expiresAt: Time,
  },
  "An approver's statement, as it was recorded.",
)

export const PendingView = view(
  'PendingView',
  {
    cluster: Type.String(),
    clusterId: Type.String(),
    clusterUid: Type.String({ description: 'of the kube-system namespace' }),
    fingerprint: Type.String({ description: 'compare it with the one in the agent’s log' }),
    since: Time,
    replaces: Type.Boolean({ description: 'another agent of this name is enrolled until then' }),
  },
  'An agent that joined and waits for approval.',
)

export const AuthorityView = view(
  'AuthorityView',
  {
    pin: Type.String({ description: 'sha256:… of its public key; what join tokens pin' }),
    state: words('Announced', 'Issuing', 'Retiring'),
    from: Time,
    to: Time,
    daysLeft: Type.Integer(),
  },
  'A certificate authority of the hub that agents trust.',
)

export const HealthView = view(
  'HealthView',
  {
    ready: Type.Boolean(),
    checks: Type.Array(Type.Object({ name: Type.String(), ok: Type.Boolean() })),
    warnings: Type.Optional(
      Type.Array(Type.String(), { description: 'codes of what needs a person before long' }),
    ),
  },
  'Whether the hub can do its work.',
)

export type StateCounts = Frozen<Static<typeof StateCounts>>
export type ObjectDriftView = Frozen<Static<typeof ObjectDriftView>>
export type ClusterSummary = Frozen<Static<typeof ClusterSummary>>
export type ClusterView = Frozen<Static<typeof ClusterView>>
export type GroupView = Frozen<Static<typeof GroupView>>
export type ApplicationView = Frozen<Static<typeof ApplicationView>>
export type ClusterDiffView = Frozen<Static<typeof ClusterDiffView>>
export type DiffView = Frozen<Static<typeof DiffView>>
export type FleetView = Frozen<Static<typeof FleetView>>
export type EventView = Frozen<Static<typeof EventView>>
export type EventGap = Frozen<Static<typeof EventGap>>
export type TokenView = Frozen<Static<typeof TokenView>>
export type TrustView = Frozen<Static<typeof TrustView>>
export type ApprovalView = Frozen<Static<typeof ApprovalView>>
export type AuthorityView = Frozen<Static<typeof AuthorityView>>
export type PendingView = Frozen<Static<typeof PendingView>>
export type HealthView = Frozen<Static<typeof HealthView>>
