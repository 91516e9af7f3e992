import type { Answer, Asked, ItemOf, ListId, OperationId } from '../client/request.ts'
import type { Client } from './client.ts'

/** A view with what is needed to print it. */
export interface Shown {
  readonly name: string
  readonly view: unknown
  readonly cells: (wide: boolean, now: number) => string[]
}

export interface ListQuery {
  readonly selector?: string | undefined
  readonly application?: string | undefined
  readonly active?: boolean | undefined
  readonly sort?: string | undefined
}

/** A kind of thing that `get` prints. */
export interface Resource {
  readonly singular: string
  readonly header: (wide: boolean) => string[]
  list(client: Client, query: ListQuery, signal: AbortSignal): Promise<Shown[]>
  get(client: Client, name: string, signal: AbortSignal): Promise<Shown>
}

export interface Column<T> {
  readonly title: string
  readonly wide?: true
  readonly cell: (item: T, now: number) => string | number
}

export interface ResourceDefinition<L extends ListId, G extends OperationId> {
  readonly singular: string
  /** The operation that lists them. */
  readonly list: L
  /** The one that tells of one; it may tell more than the columns read. */
  readonly get: Answer<G> extends ItemOf<L> ? G : never
  /** How one is named to it. */
  readonly pathOf: (name: string) => Asked<G>
  readonly nameOf: (item: ItemOf<L>) => string
  readonly columns: readonly Column<ItemOf<L>>[]
}

export function defineResource<L extends ListId, G extends OperationId>(
  definition: ResourceDefinition<L, G>,
): Resource {
  const { singular, pathOf, nameOf, columns } = definition
  const visible = (wide: boolean) => columns.filter((column) => wide || !column.wide)
  const show = (item: ItemOf<L>): Shown => ({
    name: nameOf(item),
    view: item,
    cells: (wide, now) => visible(wide).map((column) => String(column.cell(item, now))),
  })
  return {
    singular,
    header: (wide) => visible(wide).map((column) => column.title),
    get: async (client, name, signal) =>
      show((await client.call<G>(definition.get, { ...pathOf(name), signal })) as ItemOf<L>),
    list: async (client, { selector, application, active, sort }, signal) => {
      const given = Object.entries({ selector, application, active, sort })
      const query = given.filter(([, value]) => value !== undefined)
      const asked = { query: Object.fromEntries(query), signal } as unknown
      const items = await client.list(
        definition.list,
        asked as Asked<L> & { readonly signal: AbortSignal },
      )
      return items.map(show)
    },
  }
}
