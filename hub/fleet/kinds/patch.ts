import { type Static, Type } from 'typebox'
import { closed } from './fields.ts'

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

export type Patch = Static<typeof Patch>
