import { type Static, Type } from 'typebox'
import { serviceAccountPattern } from '../fleet/kinds/fields.ts'
import type { Frozen } from './views.ts'

/* A dry run on a live cluster: what is asked, and what its API server said. */

const Name = Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' })
const closed = { additionalProperties: false } as const

export const DryRunBody = Type.Object(
  {
    application: Name,
    targetNamespace: Type.Optional(
      Type.String({ maxLength: 63, description: 'for namespaced objects that name none' }),
    ),
    project: Type.Optional(
      Type.String({ maxLength: 63, description: 'of an application that the hub does not know' }),
    ),
    serviceAccount: Type.Optional(
      Type.String({
        pattern: serviceAccountPattern,
        description:
          'namespace/name in whose name to ask; the one that the application names when absent',
      }),
    ),
    objects: Type.Array(
      Type.Object(
        {
          id: Type.String({ maxLength: 1_000, description: 'group/kind/namespace/name' }),
          apiVersion: Type.String({ maxLength: 300 }),
          file: Type.Optional(Type.String({ maxLength: 1_000 })),
          json: Type.String({ description: 'the object' }),
        },
        closed,
      ),
      { minItems: 1, maxItems: 500 },
    ),
  },
  closed,
)

const outcome = ['Created', 'Changed', 'Unchanged', 'Refused', 'NotTried'] as const

export const DryRunView = Type.Object(
  {
    cluster: Type.String(),
    application: Type.String(),
    results: Type.Array(
      Type.Object({
        object: Type.String({ description: 'group/kind/namespace/name' }),
        file: Type.String(),
        outcome: Type.Unsafe<(typeof outcome)[number]>({ type: 'string', enum: [...outcome] }),
        code: Type.String({ description: 'why it was refused, or empty' }),
        message: Type.String({ description: 'what the API server or a webhook said, or empty' }),
        warnings: Type.Array(Type.String()),
        fields: Type.Array(
          Type.Object({ path: Type.String(), before: Type.String(), after: Type.String() }),
          { description: 'what would change; values only of objects the application has' },
        ),
      }),
    ),
  },
  {
    $id: 'DryRunView',
    description: 'What a cluster would say to some objects. Nothing was written.',
  },
)
export type DryRunView = Frozen<Static<typeof DryRunView>>
