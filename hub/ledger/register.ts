import type { Decision, Ledger, LedgerEntry, ReplicatedLedger } from './entry.ts'
import { foldEntry, type LedgerState, replay } from './replay.ts'

/** A ledger whose state is always at hand: every append is folded in before it returns. */
export interface Register extends Ledger {
  readonly state: LedgerState
}

/** A register of a ledger that replicas share. */
export interface ReplicatedRegister extends Register, ReplicatedLedger {}

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

/** As `openRegister`, for a ledger that also takes in what other hubs appended. */
export async function openReplicatedRegister(
  ledger: ReplicatedLedger,
  onEntry: (entry: LedgerEntry) => void,
): Promise<ReplicatedRegister> {
  const register = await openRegister(ledger, onEntry)
  return {
    ...register,
    get head() {
      return ledger.head
    },
    get end() {
      return ledger.end
    },
    async adopt(lines) {
      const entries = await ledger.adopt(lines)
      for (const entry of entries) {
        foldEntry(register.state, entry)
        onEntry(entry)
      }
      return entries
    },
  }
}
