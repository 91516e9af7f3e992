import type { Fleet } from '../../fleet/fleet.ts'
import type { LedgerState } from '../../ledger/replay.ts'

type Known = Pick<LedgerState, 'enrolments' | 'revoked'>

/** Why a cluster is given nothing new, whatever the application: a few words, null when it may be. */
export function explainClosed(
  { clusters }: Pick<Fleet, 'clusters'>,
  { enrolments, revoked }: Known,
  cluster: string,
): string | null {
  const declared = clusters.get(cluster)
  if (!declared) return 'is not declared in Git'
  if (revoked.has(cluster)) return 'is revoked'
  if (!enrolments.has(cluster)) return 'is not enrolled'
  return declared.spec.suspend ? 'is suspended in Git' : null
}

/**
 * Clusters that may get anything: declared, enrolled, neither suspended nor revoked. Counted once for
 * all that is decided on the same state of fleet and ledger, not once for each application.
 */
export function createOpenClusters(
  state: Known & Pick<LedgerState, 'head'>,
): (fleet: Pick<Fleet, 'clusters'>) => ReadonlySet<string> {
  let known: { readonly of: readonly unknown[]; readonly open: ReadonlySet<string> } | undefined
  return (fleet) => {
    const { clusters } = fleet
    // Entries may be folded in another order than they were written: the head alone says too little.
    const of = [clusters, state.head, state.enrolments.size, state.revoked.size]
    if (!known?.of.every((part, at) => part === of[at])) {
      const names = [...clusters.keys()]
      known = { of, open: new Set(names.filter((name) => !explainClosed(fleet, state, name))) }
    }
    return known.open
  }
}
