import type { FastifyReply } from 'fastify'
import type { TSchema } from 'typebox'
import { HubError } from '../errors.ts'
import { parseFields, pickFields } from './fields.ts'
import type { Listing } from './hub.ts'
import { type Order, type Place, formatPlace, readPlace, sortPlaces } from './order.ts'

export interface Page<T> {
  readonly items: readonly T[]
  /** Opaque; null on the last page. */
  readonly continue: string | null
}

export interface PageRequest<T> {
  readonly limit: number
  /** What is listed, so that a cursor of one list is refused by another. */
  readonly kind: string
  /** The member that orders the list and that the next page starts after. */
  readonly keyOf: (item: T) => string
  readonly keep?: (item: T) => boolean
}

/** What a caller says of a page. */
export interface PageAsked {
  readonly limit?: number
  readonly continue?: string
}

/** Items of a page, where the caller does not say. */
export const defaultLimit = 100

/** Reads no further than one item past the page. */
export async function takePage<T>(listing: Listing<T>, request: PageRequest<T>): Promise<Page<T>> {
  const items: T[] = []
  for await (const item of listing) {
    if (request.keep && !request.keep(item)) continue
    if (items.length === request.limit) {
      return { items, continue: encodeCursor(request.kind, request.keyOf(items.at(-1)!)) }
    }
    items.push(item)
  }
  return { items, continue: null }
}

/** A page of a list that is sorted by what is seen of its items, so all of them are looked at. */
export async function takeSorted<T>(
  listing: Listing<T>,
  asked: PageAsked,
  request: {
    readonly kind: string
    readonly order: Order<string>
    readonly placeOf: (item: T) => Place
    readonly keep?: (item: T) => boolean
  },
): Promise<Page<T>> {
  const { order, placeOf, keep } = request
  const kind = kindOfOrder(request.kind, order)
  const after = decodePlace(kind, asked.continue)
  const places: (Place & { item: T })[] = []
  for await (const item of listing) {
    if (!keep || keep(item)) places.push({ ...placeOf(item), item })
  }
  const items = sortPlaces(places, order, after)
  const page = await takePage(items, {
    ...{ limit: asked.limit ?? defaultLimit, kind },
    keyOf: (place) => formatPlace(place),
  })
  return { ...page, items: page.items.map(({ item }) => item) }
}

/** A cursor of one order means nothing in another. */
export function kindOfOrder(kind: string, { by, descending }: Order<string>): string {
  return `${kind}/${descending ? '-' : ''}${by}`
}

/** Sends only what was asked for of each item, or of the one thing there is. */
export function sendFields(
  reply: FastifyReply,
  value: object,
  fields: string | undefined,
  schema: TSchema,
): unknown {
  if (fields === undefined) return reply.send(value)
  const tree = parseFields(fields, schema)
  const { items } = value as { readonly items?: readonly unknown[] }
  const picked = Array.isArray(items)
    ? { ...value, items: pickFields(items, tree) }
    : pickFields(value, tree)
  // The schema of the whole asks for members that are left out.
  return reply
    .type('application/json; charset=utf-8')
    .serializer((given: unknown) => JSON.stringify(given))
    .send(picked)
}

export function encodeCursor(kind: string, key: string): string {
  return Buffer.from(`${kind}:${key}`).toString('base64url')
}

/**
 * The key a page starts after; null without a cursor. A forged key is harmless: it is only
 * compared with names.
 * @throws HubError `invalid` when the cursor was not made for this list.
 */
export function decodeCursor(kind: string, cursor: string | undefined): string | null {
  if (cursor === undefined) return null
  const text = Buffer.from(cursor, 'base64url').toString()
  const key = text.slice(kind.length + 1)
  if (!text.startsWith(`${kind}:`) || !/^[-A-Za-z0-9._|]{1,160}$/.test(key)) throw foreign()
  return key
}

/** Where a page of a sorted list starts after. @throws HubError `invalid` as `decodeCursor` does */
export function decodePlace(kind: string, cursor: string | undefined): Place | null {
  const text = decodeCursor(kind, cursor)
  if (text === null) return null
  const place = readPlace(text)
  if (!place) throw foreign()
  return place
}

function foreign(): HubError {
  return new HubError('invalid', 'continue: not a cursor of this list; start again without it')
}
