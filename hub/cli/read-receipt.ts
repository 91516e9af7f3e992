import type { ReceiptResultsView } from '../client/gen/api.ts'
import type { Client } from './client.ts'
import { CliFailure } from './failure.ts'

const pageSize = 500
const mostPages = 20

/**
 * A receipt with what came of all its objects.
 *
 * @throws CliFailure also for more objects than an agent takes
 */
export async function readReceipt(
  client: Client,
  path: { readonly name: string; readonly id: string },
  signal: AbortSignal,
): Promise<ReceiptResultsView> {
  const items: ReceiptResultsView['items'][number][] = []
  let cursor: string | undefined
  for (let page = 0; page < mostPages; page++) {
    const query = { limit: pageSize, ...(cursor !== undefined && { continue: cursor }) }
    const answer = await client.call('getReceipt', { path, query, signal })
    items.push(...answer.items)
    if (answer.continue === null) return { ...answer, items }
    cursor = answer.continue
  }
  throw new CliFailure(2, `more than ${mostPages * pageSize} objects`)
}
