import { type Static, Type } from 'typebox'
import { ChangesView, EstimateView } from './plan-view.ts'
import type { Frozen } from './views.ts'

/* What would come of a change to the fleet repository, before it is merged. */

const closed = { additionalProperties: false } as const
const Count = Type.Integer({ minimum: 0 })
const Clusters = Type.Array(Type.String())

/** Exactly one of them. */
export const ProposalBody = Type.Object(
  {
    branch: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    commit: Type.Optional(Type.String({ pattern: '^[0-9a-f]{40}$' })),
    pullRequest: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 2_147_483_647,
        description: 'its number on the Git host',
      }),
    ),
  },
  { ...closed, minProperties: 1, maxProperties: 1 },
)

const verdicts = ['passed', 'failed', 'incomplete'] as const
const severities = ['error', 'warning', 'note'] as const

const FindingView = Type.Object({
  severity: Type.Unsafe<(typeof severities)[number]>({ type: 'string', enum: [...severities] }),
  rule: Type.String({ description: 'configuration, render, or a policy by its name' }),
  message: Type.String(),
  file: Type.String({ description: 'or empty' }),
  line: Type.Integer({ minimum: 0, description: '0 when it is not known' }),
  object: Type.String({ description: 'or empty' }),
  application: Type.String({ description: 'or empty' }),
  clusters: Clusters,
})

const proposedApplication = {
  application: Type.String(),
  clusters: Type.Array(Type.String(), { description: 'where anything of it differs' }),
  changes: ChangesView,
}

const proposed = {
  verdict: Type.Unsafe<(typeof verdicts)[number]>({
    type: 'string',
    enum: [...verdicts],
    description: 'incomplete: nothing wrong was found, but not everything was looked at',
  }),
  counts: Type.Union(
    [
      Type.Object({
        clusters: Count,
        changed: Type.Integer({ minimum: 0, description: 'clusters on which anything differs' }),
        applications: Count,
        objectsRemoved: Count,
        objectsChanged: Count,
        objectsAdded: Count,
      }),
      Type.Null(),
    ],
    { description: 'null when nothing could be compared' },
  ),
  findings: Type.Array(FindingView),
  findingsLeftOut: Count,
  gaps: Type.Array(Type.String(), { description: 'what nothing is said of, and why' }),
  strategies: Type.Array(
    Type.Object({
      applications: Type.Array(Type.String(), { description: 'of which it is the same' }),
      changes: Type.Array(
        Type.Object({
          what: Type.String({ description: 'such as `wave prod: maxConcurrent`' }),
          from: Type.Union([Type.String(), Type.Null()], { description: 'null: it was not set' }),
          to: Type.Union([Type.String(), Type.Null()], { description: 'null: it is not set' }),
        }),
      ),
    }),
    { description: 'how applications roll out from then on, where that is set otherwise' },
  ),
  applicationsLeftOut: Count,
}

/** What the renderer tells of it. */
export const ProposedView = Type.Object({
  ...proposed,
  applications: Type.Array(Type.Object(proposedApplication)),
})

export const ProposalView = Type.Object(
  {
    revision: Type.String({ description: 'such as feature@sha1:…' }),
    author: Type.String(),
    subject: Type.String(),
    base: Type.String({ description: 'where it parted from what is followed' }),
    behind: Type.Boolean({ description: 'what is followed has moved since' }),
    ...proposed,
    applications: Type.Array(
      Type.Object({
        ...proposedApplication,
        plan: Type.Union(
          [
            Type.Object({
              clusters: Count,
              waves: Type.Array(
                Type.Object({
                  name: Type.String(),
                  clusters: Count,
                  gates: Type.Array(Type.String(), { description: 'what each is, in words' }),
                }),
              ),
              estimate: EstimateView,
            }),
            Type.Null(),
          ],
          { description: 'how it would roll out if it were merged now; null when it would not' },
        ),
      }),
    ),
  },
  {
    $id: 'ProposalView',
    description: 'What would come of a change to the fleet repository. Nothing has moved.',
  },
)

export type ProposedView = Frozen<Static<typeof ProposedView>>
export type ProposalView = Frozen<Static<typeof ProposalView>>
