import { isDeepStrictEqual } from 'node:util'
import type { ClusterProgress, RolloutRun } from '../rollout.ts'

/** What changed of a run: given members replace, `clusters` merges by name. */
export type RunChange = Partial<RolloutRun> & Pick<RolloutRun, 'version'>

/** The smallest change that leads from one run to the next; the ledger keeps only this. */
export function toChange(previous: RolloutRun, next: RolloutRun): RunChange {
  const members = Object.entries(next).filter(
    ([key, value]) =>
      key !== 'clusters' && !isDeepStrictEqual(value, previous[key as keyof RolloutRun]),
  )
  const clusters: [string, ClusterProgress][] = []
  // A fleet has thousands, and few of them move at once.
  for (const name of Object.keys(next.clusters)) {
    const progress = next.clusters[name]!
    if (!isSame(progress, previous.clusters[name])) clusters.push([name, progress])
  }
  return {
    ...Object.fromEntries(members),
    version: next.version,
    ...(clusters.length > 0 && { clusters: Object.fromEntries(clusters) }),
  }
}

/** Whether two runs of one plan say the same. */
export function isSameRun(
  { clusters, ...rest }: RolloutRun,
  { clusters: others, ...other }: RolloutRun,
): boolean {
  // Most clusters of a look are the very same objects, and then nothing is compared.
  return (
    isDeepStrictEqual(rest, other) &&
    Object.entries(clusters).every(([name, progress]) => isSame(progress, others[name]))
  )
}

function isSame(one: ClusterProgress, other: ClusterProgress | undefined): boolean {
  return one === other || isDeepStrictEqual(one, other)
}

export function applyChange(run: RolloutRun, change: RunChange): RolloutRun {
  return { ...run, ...change, clusters: { ...run.clusters, ...change.clusters } }
}

/**
 * A run as it was written last, moved on by what changed since. Both are read apart: a change that is
 * in the run already, or that one before it is missing for, is left out.
 */
export function foldChanges(run: RolloutRun, changes: readonly RunChange[]): RolloutRun {
  let known = run
  for (const change of changes) {
    if (change.version === known.version + 1) known = applyChange(known, change)
  }
  return known
}
