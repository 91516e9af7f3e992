import { type Static, Type } from 'typebox'
import type { Frozen } from './views.ts'

/**
 * What can be said of an application on a cluster, a letter each, so that a fleet fits a page:
 * `u` updated, `p` pending, `f` failed, `d` drifted, `v` held by a veto, `x` unreachable, `-` none.
 */
export type MatrixStanding = 'u' | 'p' | 'f' | 'd' | 'v' | 'x' | '-'

export const MatrixRow = Type.Object(
  {
    cluster: Type.String(),
    groups: Type.Array(Type.String()),
    connection: Type.Unsafe<'Connected' | 'Disconnected' | 'NeverConnected'>({
      type: 'string',
      enum: ['Connected', 'Disconnected', 'NeverConnected'],
    }),
    stale: Type.Boolean(),
    cells: Type.String({
      pattern: '^[upfdvx-]*$',
      description:
        'a letter for each of `applications`: updated, pending, failed, drifted, vetoed, x unreachable, - none',
    }),
  },
  { $id: 'MatrixRow', description: 'A cluster, and a letter for each application.' },
)

export const MatrixView = Type.Object(
  {
    applications: Type.Array(Type.String(), { description: 'the columns, by name' }),
    items: Type.Array(MatrixRow),
    continue: Type.Union([Type.String(), Type.Null()], { description: 'null on the last page' }),
  },
  { $id: 'MatrixView', description: 'Clusters × applications, a letter for each.' },
)

export type MatrixRow = Frozen<Static<typeof MatrixRow>>
export type MatrixView = Frozen<Static<typeof MatrixView>>
