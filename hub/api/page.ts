import { HubError } from '../errors.ts'
import type { Listing } from './hub.ts'

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
  if (!text.startsWith(`${kind}:`) || !/^[-A-Za-z0-9._]{1,128}$/.test(key)) {
    throw new HubError('invalid', 'continue: not a cursor of this list; start again without it')
  }
  return key
}
