import type { Content, RolloutPlan, RolloutRun, RolloutTarget } from './rollout.ts'

/** By cluster: targets that a rollout has not come to yet, as they were before it was looked for what they spare. */
export function targetsToCome(
  { targets }: Pick<RolloutPlan, 'targets'>,
  { clusters }: Pick<RolloutRun, 'clusters'>,
): Record<string, RolloutTarget> {
  const found: Record<string, RolloutTarget> = {}
  for (const [name, { digest, size, revision, previous }] of Object.entries(targets)) {
    const progress = clusters[name]
    if (progress?.state !== 'Pending' || progress.generation !== undefined) continue
    found[name] = { digest, size, revision, previous }
  }
  return found
}

/** Whether a rollout is still to remove what Git asks for on that cluster. */
export function isToRemove(
  { plan, run }: { readonly plan: RolloutPlan; readonly run: RolloutRun },
  desired: ReadonlyMap<string, Content> | null,
): boolean {
  return Object.entries(targetsToCome(plan, run)).some(
    ([cluster, { digest }]) => digest === null && desired?.has(cluster) === true,
  )
}
