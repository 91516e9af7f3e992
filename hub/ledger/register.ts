import type { Decision, Ledger, LedgerEntry } from './entry.ts'
import { foldEntry, type LedgerState, replay } from './replay.ts'

/** A ledger whose state is always at hand: every append is folded in before it returns. */
export interface Register extends Ledger {
  readonly state: LedgerState
}

/**
 * Replays a ledger and keeps the result up to date. `onEntry` sees each new entry once, after it
 * reached the disk and the state.
 */
export async function openRegister(
  ledger: Ledger,
  onEntry: (entry: LedgerEntry) => void,
): Promise<Register> {
  const state = await replay(ledger.read())
  return {
    state,
    get head() {
      return ledger.head
    },
    async append(actor: string, decisions: readonly Decision[]) {
      const entries = await ledger.append(actor, decisions)
      for (const entry of entries) {
        foldEntry(state, entry)
        onEntry(entry)
      }
      return entries
    },
    read: (after) => ledger.read(after),
    close: () => ledger.close(),
  }
}
