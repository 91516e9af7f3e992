import { HubError } from '../../errors.ts'
import type { Api } from '../http.ts'
import { readOrder } from '../order.ts'
import { sendFields, takeSorted } from '../page.ts'
import { answers, ByName, SortedQuery, SourceList } from '../schemas.ts'
import { SourceView } from '../source-view.ts'

/** The repositories the hub follows. */
export function addSourceRoutes(app: Api): void {
  app.get('/api/v1/sources', {
    config: { policy: 'viewer' },
    schema: {
      operationId: 'listSources',
      summary: 'Repositories by name: what was fetched last, and what goes wrong',
      querystring: SortedQuery('name', 'lastFetch', 'failures'),
      response: answers(200, SourceList),
    },
    handler: async ({ query, hub }, reply) => {
      const order = readOrder(query.sort, 'name')
      const page = await takeSorted(await hub.sources(), query, {
        ...{ kind: 'source', order },
        placeOf: ({ name, lastFetch, failure }) => ({
          name,
          key: { name, lastFetch: Date.parse(lastFetch ?? '') || 0, failures: failure?.count ?? 0 }[
            order.by
          ],
        }),
      })
      return sendFields(reply, page, query.fields, SourceView)
    },
  })

  app.get('/api/v1/sources/:name', {
    config: { policy: 'viewer' },
    schema: {
      operationId: 'getSource',
      summary: 'One repository',
      params: ByName,
      response: answers(200, SourceView),
    },
    handler: async ({ params, hub }) => {
      const source = (await hub.sources()).find(({ name }) => name === params.name)
      if (!source) throw new HubError('not_found', `No repository ${params.name}`)
      return source
    },
  })
}
