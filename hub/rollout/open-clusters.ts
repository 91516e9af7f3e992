import type { Fleet } from '../fleet/fleet.ts'
import type { LedgerState } from '../ledger/replay.ts'

/**
 * Clusters that may get anything: declared, enrolled, neither suspended nor revoked. Counted once for
 * all that is decided on the same state of fleet and ledger, not once for each application.
 */
export function createOpenClusters(
  state: Pick<LedgerState, 'head' | 'enrolments' | 'revoked'>,
): (fleet: Pick<Fleet, 'clusters'>) => ReadonlySet<string> {
  let known: { readonly of: readonly unknown[]; readonly open: ReadonlySet<string> } | undefined
  return ({ clusters }) => {
    // Entries may be folded in another order than they were written: the head alone says too little.
    const of = [clusters, state.head, state.enrolments.size, state.revoked.size]
    if (!known?.of.every((part, at) => part === of[at])) {
      const open = [...clusters.values()].filter(
        ({ name, spec }) => state.enrolments.has(name) && !state.revoked.has(name) && !spec.suspend,
      )
      known = { of, open: new Set(open.map(({ name }) => name)) }
    }
    return known.open
  }
}
