import { randomInt } from 'node:crypto'

/** Chance that can be had again: print `text`, and give it back as `SEED`. */
export interface Seed {
  readonly text: string
  /** In [0, 1). */
  readonly random: () => number
}

/** Mulberry32: enough for choosing what to break next. */
export function createSeed(given: string | undefined): Seed {
  const text = given ?? String(randomInt(2 ** 31))
  let state = Number(text) >>> 0
  return {
    text,
    random() {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    },
  }
}
