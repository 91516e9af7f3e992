import { digestOf } from '@groundswell/proto/digest.ts'
import type { LedgerEntry } from '../../hub/ledger/entry.ts'
import type { Register } from '../../hub/ledger/register.ts'
import { emptyState, foldEntry } from '../../hub/ledger/replay.ts'

/** A register without a disk; `entries` holds what was decided. */
export function createMemoryRegister(
  clock: () => number = Date.now,
): Pick<Register, 'state' | 'append'> & { readonly entries: LedgerEntry[] } {
  const state = emptyState()
  const entries: LedgerEntry[] = []
  return {
    state,
    entries,
    append: async (actor, decisions) =>
      decisions.map((decision) => {
        const index = entries.length + 1
        const entry = { index, previous: digestOf(''), at: clock(), actor, decision }
        entries.push(entry)
        foldEntry(state, entry)
        return entry
      }),
  }
}
