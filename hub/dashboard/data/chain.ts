import type { AuditEntry } from '../../client/gen/api.ts'

/** What lines of the ledger say of each other. */
export type ChainState =
  | { readonly kind: 'empty' }
  | { readonly kind: 'whole'; readonly from: number; readonly to: number; readonly head: string }
  /** `index` is the first line that does not follow the one before. */
  | { readonly kind: 'broken'; readonly index: number; readonly message: string }

/**
 * Whether each line follows the one before, by index and digest. The digests are those the hub tells: whoever
 * does not believe it checks the file itself (`swell audit verify`).
 */
export function checkChain(entries: readonly AuditEntry[]): ChainState {
  const first = entries[0]
  if (!first) return { kind: 'empty' }
  let before = first
  for (const entry of entries.slice(1)) {
    const { index, previous } = entry
    if (index !== before.index + 1) {
      return { kind: 'broken', index, message: `it comes after line ${before.index}` }
    }
    if (previous !== before.digest) {
      return { kind: 'broken', index, message: 'it does not continue the line before' }
    }
    before = entry
  }
  return { kind: 'whole', from: first.index, to: before.index, head: before.digest }
}
