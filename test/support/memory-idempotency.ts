import type { IdempotencyStore, Outcome } from '../../hub/api/idempotency.ts'

/** Keys in memory, for ever. */
export function createMemoryIdempotency(): IdempotencyStore & {
  readonly outcomes: Map<string, Outcome>
} {
  const outcomes = new Map<string, Outcome>()
  return {
    outcomes,
    async claim(key, asked) {
      const before = outcomes.get(key)
      if (before) return before
      outcomes.set(key, { asked, answer: null })
      return null
    },
    settle: async (key, outcome) => void outcomes.set(key, outcome),
    release: async (key) => void outcomes.delete(key),
  }
}
