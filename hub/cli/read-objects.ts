import { manifestLimits } from '@groundswell/proto/manifest.ts'
import type { ObjectsView } from '../client/gen/api.ts'
import type { Asked } from '../client/request.ts'
import type { Client } from './client.ts'
import { CliFailure } from './failure.ts'

type ObjectsQuery = NonNullable<Asked<'listObjects'>['query']>

const pageSize = 500

/** Objects of an application on a cluster, all pages of them. @throws CliFailure */
export async function readObjects(
  client: Client,
  path: { readonly name: string; readonly application: string },
  query: Omit<ObjectsQuery, 'limit' | 'continue' | 'fields'>,
  signal: AbortSignal,
): Promise<ObjectsView> {
  const items: ObjectsView['items'][number][] = []
  let cursor: string | undefined
  for (let read = 0; read <= manifestLimits.objects; read += pageSize) {
    const more = { limit: pageSize, ...(cursor !== undefined && { continue: cursor }) }
    const view = await client.call('listObjects', { path, query: { ...query, ...more }, signal })
    items.push(...view.items)
    if (view.continue === null) return { ...view, items }
    cursor = view.continue
  }
  throw new CliFailure(2, `more than ${manifestLimits.objects} objects`)
}
