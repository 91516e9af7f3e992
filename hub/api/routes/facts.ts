import type { Api } from '../http.ts'
import { answers, NoQuery } from '../schemas.ts'
import { FactsView } from '../facts-view.ts'

/** What agents reported of their clusters, as renders take it: for checks without a hub. */
export function addFactsRoutes(app: Api): void {
  app.get('/api/v1/facts', {
    config: { policy: 'viewer', etag: true },
    schema: {
      operationId: 'getFacts',
      summary: 'What clusters are and serve, by the word of their agents',
      querystring: NoQuery,
      response: answers(200, FactsView),
    },
    handler: async ({ hub }) => hub.facts(),
  })
}
