import { deletesMore } from '../content.ts'
import type { Content, RolloutPlan, RolloutRun, RolloutTarget } from '../rollout.ts'
import type { Look } from '../removal/sparing.ts'

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

/**
 * Whether a rollout would delete, where it has not come to yet, what Git has given to others since; or what may be of
 * one that cannot be rendered, unless a person has it removed all the same.
 */
export async function deletesOthers(
  look: Pick<Look, 'spare' | 'isAwaited'>,
  plan: RolloutPlan,
  run: RolloutRun,
): Promise<boolean> {
  const { application, targets, trigger } = plan
  const goesOn = run.phase === 'Progressing' && trigger.kind !== 'api'
  const toCome = targetsToCome(plan, run)
  const isAwaited = Object.entries(toCome).some(
    ([name, { digest }]) => digest === null && look.isAwaited(application, name),
  )
  if (isAwaited && goesOn) return true
  const now = Object.entries(await look.spare(application, toCome))
  return now.some(([name, target]) => deletesMore(targets[name]!, target))
}
