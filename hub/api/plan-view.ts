import { type Static, Type } from 'typebox'
import type { Fate } from '../check/removal.ts'
import { RolloutView } from './rollout-view.ts'
import type { Frozen } from './views.ts'

/* What a rollout would be, before anything moves. */

const closed = { additionalProperties: false } as const
const Count = Type.Integer({ minimum: 0 })
const Seconds = Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
  description: 'null where nothing like it was rolled out before',
})
const Withheld = Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
  description:
    'of the typical time, until windows open, freezes end and applications that come first are there',
})
const Clusters = Type.Array(Type.String())

export const PlanBody = Type.Object(
  {
    application: Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' }),
    live: Type.Optional(
      Type.Boolean({ description: 'ask the clusters what their API servers would say' }),
    ),
  },
  closed,
)

const change = ['added', 'changed', 'removed'] as const

export const ChangesView = Type.Object(
  {
    removed: Count,
    changed: Count,
    added: Count,
    objects: Type.Array(
      Type.Object({
        object: Type.String({ description: '`Deployment shop/web`' }),
        id: Type.String({ description: 'group/kind/namespace/name' }),
        file: Type.String(),
        variants: Type.Array(
          Type.Object({
            change: Type.Unsafe<(typeof change)[number]>({ type: 'string', enum: [...change] }),
            patch: Type.String({ description: 'lines of a unified diff; secrets masked' }),
            fate: Type.Union([Type.Unsafe<Fate>({ type: 'string' }), Type.Null()], {
              description: 'what becomes of an object that is removed',
            }),
            clusters: Clusters,
          }),
          { description: 'the same change is there once, with all its clusters' },
        ),
      }),
    ),
    objectsLeftOut: Type.Integer({ minimum: 0, description: 'that differ, beyond the bound' }),
    notCompared: Type.Array(Type.String(), { description: 'clusters of which nothing is said' }),
    held: Type.Array(Type.String(), {
      description: 'deletions that agents will hold back until they are confirmed',
    }),
  },
  { description: 'what is assigned now → what would be' },
)

export const EstimateView = Type.Object({
  typicalSeconds: Seconds,
  longestSeconds: Seconds,
  withheldSeconds: Withheld,
  rollouts: Type.Integer({ minimum: 0, description: 'of the application, that it rests on' }),
  waves: Type.Array(
    Type.Object({
      wave: Type.String(),
      typicalSeconds: Seconds,
      longestSeconds: Seconds,
      withheldSeconds: Withheld,
      basis: Type.Unsafe<'wave' | 'application' | 'none'>({
        type: 'string',
        enum: ['wave', 'application', 'none'],
        description: 'whether this wave went before, or only others did',
      }),
    }),
  ),
  uncounted: Type.Array(Type.String(), { description: 'waits that nobody can foretell' }),
})

const LiveView = Type.Object({
  clusters: Type.Integer({ minimum: 0, description: 'that were asked' }),
  left: Type.Integer({ minimum: 0, description: 'that were not asked, beyond the bound' }),
  findings: Type.Array(
    Type.Object({
      severity: Type.Unsafe<'error' | 'warning' | 'note'>({
        type: 'string',
        enum: ['error', 'warning', 'note'],
      }),
      object: Type.String(),
      file: Type.String(),
      message: Type.String(),
      clusters: Clusters,
    }),
  ),
  unanswered: Type.Array(Type.String(), { description: 'why a cluster could not be asked' }),
})

export const PlannedView = Type.Object(
  {
    application: Type.String(),
    rollout: Type.Union([RolloutView, Type.Null()], {
      description: 'null when every cluster has what Git asks',
    }),
    changes: Type.Union([ChangesView, Type.Null()]),
    policy: Type.Array(Type.String(), {
      description: 'what policies say that keeps nothing back; what they deny is no plan',
    }),
    estimate: Type.Union([EstimateView, Type.Null()]),
    live: Type.Union([LiveView, Type.Null()], { description: 'null when it was not asked for' }),
  },
  { $id: 'PlannedView', description: 'What would roll out now. Nothing has moved.' },
)

export type ChangesView = Frozen<Static<typeof ChangesView>>
export type EstimateView = Frozen<Static<typeof EstimateView>>
export type LiveView = Frozen<Static<typeof LiveView>>
export type PlannedView = Frozen<Static<typeof PlannedView>>
