import { type Static, type TSchema, Type } from 'typebox'
import type { Client } from './client.ts'
import { CliFailure } from './failure.ts'

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

export interface ResourceDefinition<S extends TSchema> {
  readonly singular: string
  /** Of the collection, under /api/v1/. */
  readonly path: string
  /** What the columns read; the single resource may hold more. */
  readonly schema: S
  readonly nameOf: (item: Static<S>) => string
  readonly columns: readonly Column<Static<S>>[]
}

/** Pages of 500 that `get` reads at most. */
const pageLimit = 100

export function defineResource<S extends TSchema>(definition: ResourceDefinition<S>): Resource {
  const { singular, path, schema, nameOf, columns } = definition
  const page = Type.Object({
    items: Type.Array(schema),
    continue: Type.Union([Type.String(), Type.Null()]),
  })
  const visible = (wide: boolean) => columns.filter((column) => wide || !column.wide)
  const show = (item: Static<S>): Shown => ({
    name: nameOf(item),
    view: item,
    cells: (wide, now) => visible(wide).map((column) => String(column.cell(item, now))),
  })
  return {
    singular,
    header: (wide) => visible(wide).map((column) => column.title),
    get: async (client, name, signal) =>
      show(await client.ask(`${path}/${encodeURIComponent(name)}`, schema, { signal })),
    list: async (client, { selector, application, active }, signal) => {
      const shown: Shown[] = []
      let cursor: string | undefined
      for (let i = 0; i < pageLimit; i++) {
        const query = {
          limit: '500',
          selector,
          application,
          active: active === undefined ? undefined : String(active),
          continue: cursor,
        }
        const answer = await client.ask(path, page, { query, signal })
        shown.push(...(answer.items as Static<S>[]).map(show))
        if (answer.continue === null) return shown
        cursor = answer.continue
      }
      throw new CliFailure(2, `more than ${pageLimit * 500} ${path}`, {
        hint: 'narrow it down with -l',
      })
    },
  }
}
