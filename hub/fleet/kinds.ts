import { type Static, type TSchema, Type } from 'typebox'

/* The configuration kinds in Git. One schema each: validation, JSON Schema for
   editors, OpenAPI and docs all come from here. */

export const apiVersion = 'groundswell.dev/v1alpha1'

const closed = { additionalProperties: false } as const

const Name = Type.String({
  // The one name of this shape that every JavaScript object already has.
  pattern: '^(?!constructor$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$',
  description: 'RFC 1123 label: lower-case letters, digits and dashes, at most 63',
})
/** A Name once `${cluster.name}` and `${cluster.labels.KEY}` have been filled in. */
const TemplatedName = Type.String({
  pattern: '^([-a-z0-9]|\\$\\{cluster\\.[A-Za-z0-9._/-]*\\})+$',
  description: 'an RFC 1123 label, which may hold ${cluster.name} or ${cluster.labels.KEY}',
})
export const DurationText = Type.String({
  // Bounded, so that the sum can be counted exactly in milliseconds.
  pattern: '^([0-9]{1,8}(ms|s|m|h)){1,8}$',
  description: 'such as 30s, 5m or 1h30m',
})
export const CountOrPercent = Type.Union([
  Type.Integer({ minimum: 0 }),
  Type.String({ pattern: '^(100|[1-9]?[0-9])%$' }),
])
const Labels = Type.Record(Type.String(), Type.String())

/** Kubernetes' LabelSelector, verbatim. */
export const LabelSelector = Type.Object(
  {
    matchLabels: Type.Optional(Labels),
    matchExpressions: Type.Optional(
      Type.Array(
        Type.Object(
          {
            key: Type.String({ minLength: 1 }),
            operator: Type.Union([
              Type.Literal('In'),
              Type.Literal('NotIn'),
              Type.Literal('Exists'),
              Type.Literal('DoesNotExist'),
            ]),
            values: Type.Optional(Type.Array(Type.String())),
          },
          closed,
        ),
      ),
    ),
  },
  closed,
)

export const RepositorySpec = Type.Object(
  {
    url: Type.String({ minLength: 1 }),
    ref: Type.Optional(
      Type.Object(
        {
          branch: Type.Optional(Type.String({ minLength: 1 })),
          tag: Type.Optional(Type.String({ minLength: 1 })),
          commit: Type.Optional(Type.String({ pattern: '^[0-9a-f]{40}$' })),
        },
        closed,
      ),
    ),
    interval: Type.Optional(DurationText),
    timeout: Type.Optional(DurationText),
    /** Name of a credential the hub's own configuration defines; never the credential itself. */
    credential: Type.Optional(Type.String({ minLength: 1 })),
    suspend: Type.Optional(Type.Boolean()),
  },
  closed,
)

export const ClusterSpec = Type.Object(
  {
    displayName: Type.Optional(Type.String()),
    suspend: Type.Optional(Type.Boolean()),
  },
  closed,
)

export const ClusterGroupSpec = Type.Object(
  {
    selector: Type.Optional(LabelSelector),
    clusters: Type.Optional(Type.Array(Name)),
  },
  closed,
)

const Values = Type.Record(Type.String(), Type.Unknown())

/** A kustomize patch: strategic merge or JSON 6902, with an optional target. */
export const Patch = Type.Object(
  {
    patch: Type.String({ minLength: 1 }),
    target: Type.Optional(
      Type.Object(
        {
          group: Type.Optional(Type.String()),
          version: Type.Optional(Type.String()),
          kind: Type.Optional(Type.String()),
          name: Type.Optional(Type.String()),
          namespace: Type.Optional(Type.String()),
          labelSelector: Type.Optional(Type.String()),
          annotationSelector: Type.Optional(Type.String()),
        },
        closed,
      ),
    ),
  },
  closed,
)

export const ApplicationSource = Type.Object(
  {
    /** Name of a Repository; the fleet repository itself when left out. */
    repository: Type.Optional(Name),
    path: Type.String({ minLength: 1 }),
    directory: Type.Optional(
      Type.Object(
        {
          recurse: Type.Optional(Type.Boolean()),
          include: Type.Optional(Type.Array(Type.String())),
          exclude: Type.Optional(Type.Array(Type.String())),
        },
        closed,
      ),
    ),
    kustomize: Type.Optional(Type.Object({}, closed)),
    helm: Type.Optional(
      Type.Object(
        {
          releaseName: Type.Optional(Name),
          values: Type.Optional(Values),
          valuesFiles: Type.Optional(Type.Array(Type.String())),
        },
        closed,
      ),
    ),
  },
  closed,
)

/** Picks clusters (all given conditions hold) and says what differs there. */
export const ApplicationTarget = Type.Object(
  {
    name: Type.Optional(Name),
    clusterSelector: Type.Optional(LabelSelector),
    clusterGroup: Type.Optional(Name),
    clusters: Type.Optional(Type.Array(Name)),
    /** Matching clusters do not get the application, whatever later targets say. */
    exclude: Type.Optional(Type.Boolean()),
    values: Type.Optional(Values),
    valuesFiles: Type.Optional(Type.Array(Type.String())),
    patches: Type.Optional(Type.Array(Patch)),
    namespace: Type.Optional(TemplatedName),
  },
  closed,
)

const Gate = Type.Union([
  Type.Object({ approval: Type.Object({ role: Type.Optional(Type.String()) }, closed) }, closed),
])

export const RolloutWave = Type.Object(
  {
    name: Name,
    selector: Type.Optional(LabelSelector),
    clusterGroup: Type.Optional(Name),
    clusters: Type.Optional(Type.Array(Name)),
    /** So many of the clusters no earlier wave took, by `sortBy`. */
    count: Type.Optional(CountOrPercent),
    /** A label; its value orders clusters before their name does. */
    sortBy: Type.Optional(Type.String()),
    maxConcurrent: Type.Optional(CountOrPercent),
    maxFailures: Type.Optional(CountOrPercent),
    /** Zero failures, whatever maxFailures says. */
    mandatory: Type.Optional(Type.Boolean()),
    soak: Type.Optional(DurationText),
    progressDeadline: Type.Optional(DurationText),
    before: Type.Optional(Type.Array(Gate)),
    after: Type.Optional(Type.Array(Gate)),
  },
  closed,
)

export const RolloutStrategySpec = Type.Object(
  {
    waves: Type.Array(RolloutWave, { minItems: 1 }),
    maxFailures: Type.Optional(CountOrPercent),
    onFailure: Type.Optional(
      Type.Union([Type.Literal('pause'), Type.Literal('rollback'), Type.Literal('continue')]),
    ),
    offline: Type.Optional(
      Type.Union([Type.Literal('skip'), Type.Literal('wait'), Type.Literal('fail')]),
    ),
    supersede: Type.Optional(Type.Union([Type.Literal('replace'), Type.Literal('queue')])),
    /** Clusters no wave picks: an error at plan time unless `lastWave`. */
    unmatched: Type.Optional(Type.Union([Type.Literal('error'), Type.Literal('lastWave')])),
  },
  closed,
)

export const ApplicationSpec = Type.Object(
  {
    source: ApplicationSource,
    targets: Type.Array(ApplicationTarget, { minItems: 1 }),
    targetNamespace: Type.Optional(TemplatedName),
    createNamespace: Type.Optional(Type.Boolean()),
    prune: Type.Optional(Type.Boolean()),
    /** An application that renders to nothing is refused unless this is true. */
    allowEmpty: Type.Optional(Type.Boolean()),
    deletionPolicy: Type.Optional(Type.Union([Type.Literal('Delete'), Type.Literal('Orphan')])),
    drift: Type.Optional(
      Type.Union([Type.Literal('correct'), Type.Literal('report'), Type.Literal('ignore')]),
    ),
    suspend: Type.Optional(Type.Boolean()),
    /** Name of a RolloutStrategy; all clusters in one wave when neither this nor `rollout` is given. */
    rolloutStrategy: Type.Optional(Name),
    rollout: Type.Optional(RolloutStrategySpec),
  },
  closed,
)

const metadata = Type.Object(
  {
    name: Name,
    labels: Type.Optional(Labels),
    annotations: Type.Optional(Labels),
  },
  closed,
)

function kind<K extends string, S extends TSchema>(name: K, spec: S) {
  return Type.Object(
    { apiVersion: Type.Literal(apiVersion), kind: Type.Literal(name), metadata, spec },
    closed,
  )
}

/** Every kind the hub reads, by its name. */
export const kinds = {
  Repository: kind('Repository', RepositorySpec),
  Cluster: kind('Cluster', ClusterSpec),
  ClusterGroup: kind('ClusterGroup', ClusterGroupSpec),
  Application: kind('Application', ApplicationSpec),
  RolloutStrategy: kind('RolloutStrategy', RolloutStrategySpec),
} as const

export type Kind = keyof typeof kinds
export type LabelSelector = Static<typeof LabelSelector>
export type RepositorySpec = Static<typeof RepositorySpec>
export type ClusterSpec = Static<typeof ClusterSpec>
export type ClusterGroupSpec = Static<typeof ClusterGroupSpec>
export type ApplicationSpec = Static<typeof ApplicationSpec>
export type ApplicationTarget = Static<typeof ApplicationTarget>
export type RolloutStrategySpec = Static<typeof RolloutStrategySpec>
export type RolloutWave = Static<typeof RolloutWave>
export type Gate = Static<typeof Gate>
export type Patch = Static<typeof Patch>
