import type { Digest } from '@groundswell/proto/digest.ts'
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
  const isBad = findBad(bad)
  let brings = false
  for (const [cluster, { digest }] of Object.entries(plan.targets)) {
    const before = bad.targets[cluster]
    if (isBad(digest)) brings = true
    else if (before && before.digest !== digest) return 'released'
  }
  return brings ? 'held' : 'unrelated'
}

/** Whether some cluster was given this by the bad rollout: what failed on one is as bad on another. */
export function findBad(bad: RolloutPlan): (digest: Digest | null) => boolean {
  const digests = new Set(Object.values(bad.targets).map(({ digest }) => digest))
  return (digest) => digest !== null && digests.has(digest)
}

/**
 * Whether Git asks for the held content no more, so that a hold has nothing left to guard: some
 * cluster of the bad rollout is to run what none of it was given, and none what it was given. A
 * cluster that Git no longer mentions says nothing either way.
 *
 * @param bad plan of the rollout that was held; undefined when it is no longer kept.
 */
export function isWithdrawn(
  bad: RolloutPlan | undefined,
  desired: ReadonlyMap<string, Content>,
): boolean {
  if (!bad) return desired.size > 0
  const isBad = findBad(bad)
  return (
    !isAskedStill(bad, desired) &&
    Object.entries(bad.targets).some(([cluster, { digest }]) => {
      const wanted = desired.get(cluster)
      return wanted !== undefined && wanted.digest !== digest && !isBad(wanted.digest)
    })
  )
}

/** Whether some cluster of the bad rollout is to run, as far as Git goes, what that had given to one. */
export function isAskedStill(
  bad: RolloutPlan | undefined,
  desired: ReadonlyMap<string, Content>,
): boolean {
  if (!bad) return false
  const isBad = findBad(bad)
  return Object.keys(bad.targets).some((cluster) => isBad(desired.get(cluster)?.digest ?? null))
}

/** Rollouts that one hold keeps from coming back: the newest. */
const mostHeld = 10

/** Ids of all rollouts that a hold keeps from coming back, the newest first. */
export function listHeldRollouts({ rollout, earlier = [] }: Hold): string[] {
  return [rollout, ...earlier]
}

/**
 * What a hold keeps from coming back, as if one rollout had brought all of it: of two that had a cluster in them the
 * later says what Git asked there. Undefined when none of them is kept any more.
 */
export function findHeld(
  { plans, holds }: Pick<LedgerState, 'plans' | 'holds'>,
  application: string,
): RolloutPlan | undefined {
  const hold = holds.get(application)
  const [newest, ...before] = hold
    ? listHeldRollouts(hold).flatMap((id) => plans.get(id) ?? [])
    : []
  if (!newest || before.length === 0) return newest
  const all = [newest, ...before].toReversed().map(({ targets }) => targets)
  return { ...newest, targets: Object.assign({}, ...all) as RolloutPlan['targets'] }
}

/** The hold that a step sets, if it sets one that is not set yet; what was held before stays so. */
export function toHolds(
  { holds }: Pick<LedgerState, 'holds'>,
  { application, revision, id }: RolloutPlan,
  effects: readonly RolloutEffect[],
  at: number,
): Decision[] {
  const effect = effects.find((one) => one.kind === 'hold')
  const before = holds.get(application)
  if (!effect || before?.rollout === id) return []
  const { contentDigest, reason } = effect
  const earlier = before ? listHeldRollouts(before).filter((other) => other !== id) : []
  const hold = { application, contentDigest, revision, rollout: id, at, reason }
  return [
    {
      type: 'hold.set',
      hold: { ...hold, ...(earlier.length > 0 && { earlier: earlier.slice(0, mostHeld - 1) }) },
    },
  ]
}
