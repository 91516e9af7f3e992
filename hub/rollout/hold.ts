import type { Decision } from '../ledger/entry.ts'
import type { LedgerState } from '../ledger/replay.ts'
import type { Content, Hold, RolloutEffect, RolloutPlan } from './rollout.ts'

/** What a hold means for a new plan. */
export type HoldVerdict = 'held' | 'released' | 'unrelated'

/**
 * Judges a new plan by the hold on its application. Held: it would bring content of the bad
 * rollout back, also to clusters that were not part of it. Released: some cluster of the bad
 * rollout gets something else, so somebody made a new decision in Git. A rollback decides nothing.
 *
 * @param bad plan of the rollout that was held; undefined when it is no longer kept.
 */
export function judgeHold(
  hold: Hold,
  bad: RolloutPlan | undefined,
  plan: RolloutPlan,
): HoldVerdict {
  if (plan.contentDigest === hold.contentDigest) return 'held'
  if (plan.trigger.kind === 'rollback') return 'unrelated'
  if (!bad) return 'released'
  const badDigests = new Set(Object.values(bad.targets).map(({ digest }) => digest))
  let brings = false
  for (const [cluster, { digest }] of Object.entries(plan.targets)) {
    const before = bad.targets[cluster]
    if (before && before.digest !== digest) return 'released'
    if (digest !== null && badDigests.has(digest)) brings = true
  }
  return brings ? 'held' : 'unrelated'
}

/**
 * Whether Git asks for the held content no more, so that a hold has nothing left to guard: some
 * cluster of the bad rollout is to run something else. A cluster that Git no longer mentions says
 * nothing either way.
 *
 * @param bad plan of the rollout that was held; undefined when it is no longer kept.
 */
export function isWithdrawn(
  bad: RolloutPlan | undefined,
  desired: ReadonlyMap<string, Content>,
): boolean {
  if (!bad) return desired.size > 0
  return Object.entries(bad.targets).some(([cluster, { digest }]) => {
    const wanted = desired.get(cluster)
    return wanted !== undefined && wanted.digest !== digest
  })
}

/** The hold that a step sets, if it sets one that is not set yet. */
export function toHolds(
  { holds }: Pick<LedgerState, 'holds'>,
  { application, revision, id }: RolloutPlan,
  effects: readonly RolloutEffect[],
  at: number,
): Decision[] {
  const effect = effects.find((one) => one.kind === 'hold')
  if (!effect || holds.get(application)?.rollout === id) return []
  const { contentDigest, reason } = effect
  return [
    { type: 'hold.set', hold: { application, contentDigest, revision, rollout: id, at, reason } },
  ]
}
