import { describeObject, parseObjectId } from '@groundswell/proto/object-id.ts'
import type { ItemOf } from '../client/request.ts'
import type { Client } from './client.ts'
import { formatAge } from './output.ts'
import { readObjects } from './read-objects.ts'
import type { Column, Shown } from './resource.ts'

/** A kind of thing that something else has, and that `get` lists for it. */
export interface Part {
  readonly singular: string
  /** Whose they are. */
  readonly of: 'cluster' | 'application'
  /** Whether it takes a cluster as well. */
  readonly onCluster: boolean
  readonly header: (wide: boolean) => string[]
  list(client: Client, asked: PartAsked, signal: AbortSignal): Promise<Shown[]>
}

export interface PartAsked {
  readonly name: string
  /** Of a part that is of an application on a cluster. */
  readonly cluster: string
  readonly application: string | undefined
}

interface PartDefinition<T> {
  readonly singular: string
  readonly of: Part['of']
  readonly onCluster?: true
  readonly read: (client: Client, asked: PartAsked, signal: AbortSignal) => Promise<readonly T[]>
  readonly nameOf: (item: T) => string
  readonly columns: readonly Column<T>[]
}

function definePart<T>({ columns, read, nameOf, ...definition }: PartDefinition<T>): Part {
  const visible = (wide: boolean) => columns.filter((column) => wide || !column.wide)
  return {
    onCluster: false,
    ...definition,
    header: (wide) => visible(wide).map(({ title }) => title),
    list: async (client, asked, signal) =>
      (await read(client, asked, signal)).map((item) => ({
        name: nameOf(item),
        view: item,
        cells: (wide, now) => visible(wide).map((column) => String(column.cell(item, now))),
      })),
  }
}

const receipts = definePart<ItemOf<'listReceipts'>>({
  singular: 'receipt',
  of: 'cluster',
  read: async (client, { name, application }, signal) =>
    client.list('listReceipts', {
      path: { name },
      query: application === undefined ? {} : { application },
      signal,
    }),
  nameOf: ({ id }) => id,
  columns: [
    { title: 'ID', cell: (r) => r.id },
    { title: 'APPLICATION', cell: (r) => r.application },
    { title: 'OUTCOME', cell: (r) => r.outcome },
    { title: 'OBJECTS', cell: (r) => r.objects },
    { title: 'CONTENT', cell: (r) => (r.content ?? 'removed').slice(0, 19) },
    { title: 'GENERATION', cell: (r) => r.generation },
    { title: 'AGE', cell: (r, now) => formatAge(r.keptAt, now) },
    { title: 'SNAPSHOT', wide: true, cell: (r) => `${r.epoch}/${r.sequence}` },
    { title: 'SIGNED AT', wide: true, cell: (r) => r.at },
  ],
})

const images = definePart<ItemOf<'listImages'>>({
  singular: 'image',
  of: 'application',
  read: async (client, { name }, signal) => client.list('listImages', { path: { name }, signal }),
  nameOf: ({ image }) => image,
  columns: [
    { title: 'IMAGE', cell: (i) => i.image },
    { title: 'WANTED', cell: (i) => i.wanted },
    { title: 'RUNNING', cell: (i) => i.running },
    { title: 'UNREACHABLE', cell: (i) => i.unreachable },
    { title: 'OBJECTS', wide: true, cell: (i) => i.objects.join(',') },
  ],
})

const objects = definePart<ItemOf<'listObjects'>>({
  singular: 'object',
  of: 'application',
  onCluster: true,
  read: async (client, { name: application, cluster: name }, signal) =>
    (await readObjects(client, { name, application }, {}, signal)).items,
  nameOf: ({ id }) => id,
  columns: [
    { title: 'OBJECT', cell: (o) => describeObject(parseObjectId(o.id)) },
    { title: 'HEALTH', cell: (o) => o.health ?? '' },
    {
      title: 'DRIFT',
      cell: ({ drift }) =>
        drift ? (drift.missing ? 'missing' : `${drift.fields.length} fields`) : '',
    },
    { title: 'MESSAGE', cell: (o) => o.message },
    { title: 'FILE', wide: true, cell: (o) => o.file },
    { title: 'API VERSION', wide: true, cell: (o) => o.apiVersion },
    { title: 'DIGEST', wide: true, cell: (o) => o.digest },
  ],
})

const byWord: ReadonlyMap<string, Part> = new Map(
  [receipts, images, objects].flatMap((part) => [
    [part.singular, part] as const,
    [`${part.singular}s`, part] as const,
  ]),
)

/** Undefined for a word that names none. */
export function findPart(word: string): Part | undefined {
  return byWord.get(word)
}
