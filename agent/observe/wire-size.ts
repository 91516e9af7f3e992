import type { FieldDrift } from './status.ts'

/* How many bytes something takes in a message, at most: counted, since encoding it to find out costs more
   than sending it. */

/** A tag, a length, and what are numbers. */
export const around = 48

export function sizeOfTexts(texts: readonly string[]): number {
  // A tag and a length stand before each.
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 6, 0)
}

export function sizeOfField({ path, desired, live, manager }: FieldDrift): number {
  return around + sizeOfTexts([path, desired, live, manager])
}
