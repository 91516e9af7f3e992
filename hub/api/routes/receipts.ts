import { HubError } from '../../errors.ts'
import type { Api } from '../http.ts'
import { decodeCursor, defaultLimit, sendFields, takePage } from '../page.ts'
import {
  ReceiptResultsView,
  ReceiptView,
  formatReceiptPlace,
  readReceiptPlace,
  viewReceipt,
} from '../receipt-view.ts'
import { answers, ByName, ByReceipt, PageQuery, ReceiptList, ReceiptsQuery } from '../schemas.ts'

/** What agents signed of what they did. */
export function addReceiptRoutes(app: Api): void {
  app.get('/api/v1/clusters/:name/receipts', {
    config: { policy: 'read' },
    schema: {
      operationId: 'listReceipts',
      summary: 'What the agent of a cluster signed of each application it applied, newest first',
      params: ByName,
      querystring: ReceiptsQuery,
      response: answers(200, ReceiptList),
    },
    handler: async ({ params, query, hub }, reply) => {
      await needCluster(hub, params.name)
      const cursor = decodeCursor('receipt', query.continue)
      const receipts = hub.receipts(params.name, {
        application: query.application ?? null,
        after: cursor === null ? null : readReceiptPlace(cursor),
      })
      const page = await takePage(receipts, {
        ...{ limit: query.limit ?? defaultLimit, kind: 'receipt' },
        keyOf: ({ id }) => formatReceiptPlace(id),
      })
      const items = page.items.map(viewReceipt)
      return sendFields(reply, { ...page, items }, query.fields, ReceiptView)
    },
  })

  app.get('/api/v1/clusters/:name/receipts/:id', {
    config: { policy: 'read' },
    schema: {
      operationId: 'getReceipt',
      summary: 'One receipt, with what came of each object',
      params: ByReceipt,
      querystring: PageQuery,
      response: answers(200, ReceiptResultsView),
    },
    handler: async ({ params, query, hub }) => {
      const found = await hub.receipt(params.name, readReceiptPlace(params.id))
      if (!found) throw new HubError('not_found', `No receipt ${params.id} of ${params.name}`)
      const after = Number(decodeCursor('result', query.continue) ?? 0)
      const rows = (found.results ?? []).map((result, at) => ({ result, at })).slice(after)
      const page = await takePage(rows, {
        ...{ limit: query.limit ?? defaultLimit, kind: 'result' },
        keyOf: ({ at }) => String(at + 1),
      })
      const items = page.items.map(({ result }) => result)
      const resultsKept = found.results !== undefined
      return { ...viewReceipt(found.filed), resultsKept, items, continue: page.continue }
    },
  })
}

async function needCluster(
  hub: { cluster(name: string): Promise<unknown> },
  name: string,
): Promise<void> {
  if (!(await hub.cluster(name))) throw new HubError('not_found', `No cluster ${name}`)
}
