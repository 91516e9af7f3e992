/** What a list's first pages hold. */
export interface FirstPages<T> {
  readonly items: readonly T[]
  /** Whether there is another page. */
  readonly more: boolean
}

/** Pages that are shown at once; whoever looks further narrows the list instead. */
export const mostPages = 20

/** Reads so many pages of a list, one after the other. */
export async function readFirstPages<T>(
  pages: number,
  load: (
    after: string | undefined,
  ) => Promise<{ readonly items: readonly T[]; readonly continue: string | null }>,
): Promise<FirstPages<T>> {
  const items: T[] = []
  let after: string | undefined
  for (let page = 0; page < Math.min(pages, mostPages); page++) {
    const found = await load(after)
    items.push(...found.items)
    if (found.continue === null) return { items, more: false }
    after = found.continue
  }
  return { items, more: pages < mostPages }
}
