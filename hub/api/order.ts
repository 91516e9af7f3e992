import { type TUnsafe, Type } from 'typebox'

/** How a list is sorted; what is equal is sorted by name. */
export interface Order<F extends string> {
  readonly by: F
  readonly descending: boolean
}

/** Where in a sorted list something stands. */
export interface Place {
  readonly key: string | number
  readonly name: string
}

/** A query parameter of these fields, rising, or falling with a minus before it. */
export function sortBy<const F extends string>(...fields: readonly F[]): TUnsafe<F | `-${F}`> {
  const words = fields.flatMap((field) => [field, `-${field}`] as const)
  return Type.Unsafe<F | `-${F}`>({
    type: 'string',
    enum: words,
    description: `what the list is sorted by; \`-\` before it turns it round`,
  })
}

export function readOrder<F extends string>(text: F | `-${F}` | undefined, usual: F): Order<F> {
  const word = text ?? usual
  const descending = word.startsWith('-')
  return { by: (descending ? word.slice(1) : word) as F, descending }
}

/** Names always rise, so that turning a list round keeps what is equal in order. */
export function comparePlaces({ descending }: Order<string>, a: Place, b: Place): number {
  if (a.key !== b.key) return a.key < b.key === descending ? 1 : -1
  return a.name === b.name ? 0 : a.name < b.name ? -1 : 1
}

/** Of a cursor: what comes after it is compared with, so a forged one is only another place. */
export function formatPlace({ key, name }: Place): string {
  const text = typeof key === 'number' ? `n${key}` : `s${Buffer.from(key).toString('base64url')}`
  return `${text}|${name}`
}

/** Undefined for what is no place. */
export function readPlace(text: string): Place | undefined {
  const bar = text.indexOf('|')
  if (bar < 1) return undefined
  const key = text.slice(1, bar)
  const name = text.slice(bar + 1)
  if (text.startsWith('s')) return { key: Buffer.from(key, 'base64url').toString(), name }
  const number = Number(key)
  return text.startsWith('n') && key !== '' && Number.isFinite(number)
    ? { key: number, name }
    : undefined
}

/** Those after a place, in order. */
export function sortPlaces<T extends Place>(
  places: Iterable<T>,
  order: Order<string>,
  after: Place | null,
): T[] {
  const rest = after === null ? [...places] : []
  if (after !== null) {
    for (const place of places) if (comparePlaces(order, place, after) > 0) rest.push(place)
  }
  return rest.sort((a, b) => comparePlaces(order, a, b))
}
