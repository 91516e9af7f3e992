import type { Digest } from '@groundswell/proto/digest.ts'
import { assignedTo, plansOf } from '../../ledger/by-application.ts'
import { assignedBy, type LedgerState } from '../../ledger/replay.ts'

/** Of one application: what a cluster may have objects of, by all that it was given and that was not proven gone. */
export interface HeldContent {
  readonly digests: ReadonlySet<Digest>
  /** What the content it is assigned left there for others. */
  readonly leave: readonly string[]
  /** It was to go back to what it had and has not said that it did: what the content before found is still its. */
  readonly undo: boolean
}

/**
 * Back to what proved good: a content that was replaced before it was there may have brought some of its objects,
 * and not yet taken away those of the one before it.
 */
export function listHeld(
  state: LedgerState,
  application: string,
  clusters: readonly string[],
): ReadonlyMap<string, HeldContent> {
  const assigned = assignedTo(state, application)
  const found = new Map(clusters.map((name) => [name, new Set<Digest>()]))
  const add = (cluster: string, digest: Digest | null | undefined): void => {
    if (digest) found.get(cluster)?.add(digest)
  }
  for (const name of clusters) add(name, assigned.get(name)?.digest)
  const unproven = new Set(clusters)
  const undoing = new Map<string, boolean>()
  for (const plan of plansOf(state, application).reverse()) {
    if (unproven.size === 0) break
    const run = state.runs.get(plan.id)
    for (const name of unproven) {
      const progress = run?.clusters[name]
      const given = progress && assignedBy(plan, name, progress)
      if (!given) continue
      add(name, given.digest)
      const isBack = progress.state === 'Reverted' && progress.unconfirmed === undefined
      if (!isBack) add(name, plan.targets[name]?.digest)
      const isProven = progress.state === 'Done' && progress.outcome === 'Succeeded'
      // What it refused brought nothing that could be undone; what it was to undo before that still is.
      const isRefused = progress.state === 'Done' && progress.withdrawn === true
      const undo = isRefused ? plan.targets[name]?.undo : given.undo
      if (!undoing.has(name)) undoing.set(name, !isBack && !isProven && undo === true)
      if (isBack || isProven) unproven.delete(name)
    }
  }
  for (const name of unproven) add(name, state.good.get(name)?.get(application)?.digest)
  return new Map(
    [...found].map(([name, digests]) => [
      name,
      {
        digests,
        leave: assigned.get(name)?.leave ?? [],
        undo: undoing.get(name) ?? assigned.get(name)?.undo === true,
      },
    ]),
  )
}
