import { type Static, Type } from 'typebox'
import { type ForgeKind, forgeKinds } from '../forge/forge.ts'
import type { Frozen } from './views.ts'

/* Changes to the fleet repository that wait on its Git host. */

export const PullRequestView = Type.Object(
  {
    number: Type.Integer({ minimum: 1 }),
    title: Type.String(),
    author: Type.String({ description: 'an account of the Git host; empty once it is gone' }),
    branch: Type.String({ description: 'where it comes from' }),
    fork: Type.Boolean({ description: 'that is a branch of another repository' }),
    base: Type.String({ description: 'the branch it is to be merged into' }),
    draft: Type.Boolean(),
    updatedAt: Type.String({ description: 'RFC 3339, UTC' }),
    url: Type.String({ description: 'where people see it' }),
  },
  { $id: 'PullRequestView', description: 'A pull or merge request that is open.' },
)
export type PullRequestView = Frozen<Static<typeof PullRequestView>>

export const PullRequestList = Type.Object(
  {
    host: Type.Union(
      [Type.Unsafe<ForgeKind>({ type: 'string', enum: [...forgeKinds] }), Type.Null()],
      { description: 'null when the hub was not told where the fleet repository is hosted' },
    ),
    items: Type.Array(PullRequestView, {
      description: 'into the branch that is followed; those that changed last first',
    }),
    elsewhere: Type.Integer({
      minimum: 0,
      description: 'open ones that go into other branches, and change nothing here',
    }),
    more: Type.Boolean({ description: 'there are more than were read' }),
  },
  { $id: 'PullRequestList' },
)
export type PullRequestList = Frozen<Static<typeof PullRequestList>>
