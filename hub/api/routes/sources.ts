import { HubError } from '../../errors.ts'
import type { Api } from '../http.ts'
import { decodeCursor, takePage } from '../page.ts'
import { answers, ByName, defaultLimit, PageQuery, SourceList } from '../schemas.ts'
import { SourceView } from '../source-view.ts'

/** The repositories the hub follows. */
export function addSourceRoutes(app: Api): void {
  app.get('/api/v1/sources', {
    config: { policy: 'viewer' },
    schema: {
      operationId: 'listSources',
      summary: 'Repositories by name: what was fetched last, and what goes wrong',
      querystring: PageQuery,
      response: answers(200, SourceList),
    },
    handler: async ({ query, hub }) => {
      const after = decodeCursor('source', query.continue)
      const all = await hub.sources()
      return takePage(
        all.filter(({ name }) => after === null || name > after),
        { limit: query.limit ?? defaultLimit, kind: 'source', keyOf: (source) => source.name },
      )
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
