import { Type } from 'typebox'
import type { Api } from '../http.ts'
import { MatrixView } from '../matrix-view.ts'
import { decodeCursor, takePage } from '../page.ts'
import { answers } from '../schemas.ts'

/** Rows asked for by name at a time. */
const mostNamed = 200
const defaultRows = 500

const MatrixQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: defaultRows })),
    continue: Type.Optional(Type.String({ maxLength: 256, description: 'from the page before' })),
    clusters: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9]([-a-z0-9]{0,62})(,[a-z0-9][-a-z0-9]{0,62}){0,199}$',
        description: `only these rows, names with commas between, at most ${mostNamed}`,
      }),
    ),
  },
  { additionalProperties: false },
)

/** The fleet as a whole, small enough to be looked at as a whole. */
export function addMatrixRoutes(app: Api): void {
  app.get('/api/v1/matrix', {
    config: { policy: 'read' },
    schema: {
      operationId: 'getMatrix',
      summary: 'Clusters × applications, a letter for each',
      querystring: MatrixQuery,
      response: answers(200, MatrixView),
    },
    handler: async ({ query, hub }) => {
      const matrix = hub.matrix()
      const applications = [...matrix.applications]
      if (query.clusters !== undefined) {
        const names = [...new Set(query.clusters.split(','))]
        const items = names.flatMap((name) => matrix.row(name) ?? [])
        return { applications, items, continue: null }
      }
      const page = await takePage(matrix.rows(decodeCursor('matrix', query.continue)), {
        limit: query.limit ?? defaultRows,
        kind: 'matrix',
        keyOf: ({ cluster }) => cluster,
      })
      return { applications, ...page }
    },
  })
}
