import type { Digest } from '@groundswell/proto/digest.ts'
import type { Decision } from '../../ledger/entry.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { Contents } from '../../render/contents.ts'
import type { Content, Hold, RolloutEffect, RolloutPlan, RolloutTarget } from '../rollout.ts'

/** What a hold means for a new plan. */
export type HoldVerdict = 'held' | 'released' | 'unrelated'

/**
 * Judges a new plan by the hold on its application. Held: it would bring content of the bad
 * rollout back, also to clusters that were not part of it. Released: some cluster of the bad
 * rollout gets something else, so somebody made a new decision in Git. A rollback decides nothing,
 * nor does a removal before it goes out: it may wait for a person, or be gone with the next commit.
 *
 * @param bad plans of the rollouts that were held, as far as they are kept.
 */
export function judgeHold(hold: Hold, bad: readonly RolloutPlan[], plan: RolloutPlan): HoldVerdict {
  if (plan.contentDigest === hold.contentDigest) return 'held'
  if (plan.trigger.kind === 'rollback') return 'unrelated'
  const all = Object.values(plan.targets)
  if (bad.length === 0) return all.some(({ digest }) => digest !== null) ? 'released' : 'unrelated'
  const isBad = findBad(bad)
  let brings = false
  for (const [cluster, { digest }] of Object.entries(plan.targets)) {
    const before = bad.flatMap(({ targets }) => targets[cluster] ?? [])
    if (isBad(digest)) brings = true
    else if (digest === null) continue
    else if (before.some((one) => one.digest !== digest)) return 'released'
  }
  return brings ? 'held' : 'unrelated'
}

/** Whether some cluster was given this by a bad rollout: what failed on one is as bad on another. */
export function findBad(bad: readonly RolloutPlan[]): (digest: Digest | null) => boolean {
  const digests = new Set(
    bad.flatMap(({ targets }) => Object.values(targets).map(({ digest }) => digest)),
  )
  return (digest) => digest !== null && digests.has(digest)
}

/**
 * Whether Git asks for the held content no more, so that a hold has nothing left to guard: some
 * cluster of the bad rollout is to run what none of it was given, and none what it was given. A
 * cluster that Git no longer mentions says nothing either way.
 *
 * @param bad plans of the rollouts that were held, as far as they are kept.
 */
export function isWithdrawn(
  bad: readonly RolloutPlan[],
  desired: ReadonlyMap<string, Content>,
): boolean {
  if (bad.length === 0) return desired.size > 0
  const isBad = findBad(bad)
  return (
    !isAskedStill(bad, desired) &&
    listTargets(bad).some(([cluster, { digest }]) => {
      const wanted = desired.get(cluster)
      return wanted !== undefined && wanted.digest !== digest && !isBad(wanted.digest)
    })
  )
}

/** Whether some cluster of a bad rollout is to run, as far as Git goes, what one of them had given to one. */
function isAskedStill(bad: readonly RolloutPlan[], desired: ReadonlyMap<string, Content>): boolean {
  const isBad = findBad(bad)
  return listTargets(bad).some(([cluster]) => isBad(desired.get(cluster)?.digest ?? null))
}

function listTargets(bad: readonly RolloutPlan[]): [string, RolloutTarget][] {
  return bad.flatMap(({ targets }) => Object.entries(targets))
}

/** Rollouts that one hold keeps from coming back: the newest. */
const mostHeld = 10

/** Ids of all rollouts that a hold keeps from coming back, the newest first. */
export function listHeldRollouts({ rollout, earlier = [] }: Hold): string[] {
  return [rollout, ...earlier]
}

/** Plans of what a hold keeps from coming back, as far as they are kept; none where nothing is on hold. */
export function findHeld(
  { plans, holds }: Pick<LedgerState, 'plans' | 'holds'>,
  application: string,
): RolloutPlan[] {
  const hold = holds.get(application)
  return hold ? listHeldRollouts(hold).flatMap((id) => plans.get(id) ?? []) : []
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

/** Whether Git asks somewhere still for what is on hold of an application. */
export function isHeldAsked(
  state: Pick<LedgerState, 'plans' | 'holds'>,
  application: string,
  { applications }: Pick<Contents, 'applications'>,
): boolean {
  const desired = applications.get(application)
  return desired !== undefined && isAskedStill(findHeld(state, application), desired)
}
