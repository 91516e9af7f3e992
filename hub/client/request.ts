import { type Operations, operations } from './gen/api.ts'

export type OperationId = keyof Operations

/** What an operation answers. */
export type Answer<K extends OperationId> = Operations[K]['answer']

/** What an operation takes: steps of its path, a query, a body; as the OpenAPI document says. */
export type Asked<K extends OperationId> = Omit<Operations[K], 'answer'>

/** One item of a list. */
export type ItemOf<K extends ListId> = Answer<K>['items'][number]

/** Operations that answer in pages. */
export type ListId = {
  [K in OperationId]: Answer<K> extends {
    readonly items: readonly unknown[]
    readonly continue: string | null
  }
    ? K
    : never
}[OperationId]

/** Where and how an operation is asked for. */
export interface Request {
  readonly method: string
  /** With its query, from the root of the hub. */
  readonly path: string
  readonly body: unknown
}

interface AnyAsked {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: unknown
}

export function buildRequest<K extends OperationId>(id: K, asked: Asked<K>): Request {
  const { method, path } = operations[id]
  const { path: steps = {}, query = {}, body } = asked as AnyAsked
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(steps[name] ?? ''),
  )
  const given = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
  return { method, path: given.length > 0 ? `${filled}?${given.join('&')}` : filled, body }
}

/** More than anybody would read. */
export class TooManyPages extends Error {
  override readonly name = 'TooManyPages'
}

/** Calls an operation again and again until its last page. @throws TooManyPages beyond `mostPages` */
export async function readPages<K extends ListId>(
  ask: (more: { readonly limit: number; readonly continue?: string }) => Promise<Answer<K>>,
  { limit, mostPages }: { readonly limit: number; readonly mostPages: number },
): Promise<readonly ItemOf<K>[]> {
  const items: ItemOf<K>[] = []
  let cursor: string | null = null
  for (let page = 0; page < mostPages; page++) {
    const answer: Answer<K> = await ask({ limit, ...(cursor !== null && { continue: cursor }) })
    items.push(...(answer.items as readonly ItemOf<K>[]))
    cursor = answer.continue
    if (cursor === null) return items
  }
  throw new TooManyPages(`more than ${mostPages * limit} of them`)
}
