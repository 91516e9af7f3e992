import type { Digest } from '@groundswell/proto/digest.ts'
import { HubError } from '../../errors.ts'
import { assignedTo, plansOf, runsOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import { deletesMore, toPrevious } from '../content.ts'
import { findBad, findHeld, judgeHold } from '../hold/hold.ts'
import { findObstacle } from '../step/obstacle.ts'
import {
  type Content,
  finalPhases,
  type RolloutAction,
  type RolloutPlan,
  type RolloutRun,
} from '../rollout.ts'

/** What becomes of a new plan, given what is going on already. */
export interface Admission {
  /** An active rollout that brings the same; nothing new is needed. */
  readonly existing: string | null
  /** Why the application's hold no longer applies; null when there is none or it stays. */
  readonly releases: string | null
  /** Rollouts the new one takes the place of. */
  readonly supersedes: readonly string[]
  /** Whether it must wait for another to end. */
  readonly queued: boolean
}

/**
 * Judges a new plan: one rollout of an application is active at a time, and held content does not
 * come back by itself.
 *
 * @throws HubError `conflict` when the content is held and `force` is not given.
 */
export function admit(
  state: LedgerState,
  plan: RolloutPlan,
  options: { readonly start: boolean; readonly force: boolean; readonly isAskedStill?: boolean },
): Admission {
  const active = activeRollouts(state, plan.application)
  const existing = active.find(
    // What waits for a wave makes way once that can go, and for a person who starts it without.
    (id) => state.plans.get(id)!.leftOut === plan.leftOut && brings(state, id, plan),
  )
  if (existing !== undefined && state.runs.get(existing)!.phase !== 'RollingBack') {
    return { existing, releases: null, supersedes: [], queued: false }
  }
  const releases = judgeRelease(state, plan, options)
  const started = active.filter((id) => state.runs.get(id)!.startedAt !== null)
  const planned = active.filter((id) => state.runs.get(id)!.startedAt === null)
  const queued = plan.supersede === 'queue' && started.length > 0
  const replaces = options.start && !queued
  return {
    existing: null,
    releases,
    supersedes: replaces ? [...planned, ...started] : planned,
    queued,
  }
}

/** Ids of an application's rollouts that have not ended, oldest first. */
export function activeRollouts(state: LedgerState, application: string): string[] {
  return runsOf(state, application)
    .filter((run) => !finalPhases.has(run.phase))
    .map((run) => run.id)
}

/**
 * What each cluster runs once the active rollout has come to its end, null for a tombstone. New
 * content is worth a plan only where it differs from this.
 */
export function intendedContent(
  state: LedgerState,
  application: string,
): ReadonlyMap<string, Digest | null> {
  const intended = new Map<string, Digest | null>()
  for (const [cluster, { digest }] of assignedTo(state, application)) {
    intended.set(cluster, digest)
  }
  for (const id of activeRollouts(state, application)) {
    if (state.runs.get(id)!.phase === 'RollingBack') continue
    for (const [cluster, target] of Object.entries(state.plans.get(id)!.targets)) {
      intended.set(cluster, target.digest)
    }
  }
  return intended
}

/**
 * What a rollback of a new rollout should return a cluster to: what last proved good there, else
 * what it was assigned, else nothing.
 */
export function previousContent(
  state: LedgerState,
  application: string,
  cluster: string,
): Content | null {
  const found =
    state.good.get(cluster)?.get(application) ?? state.assignments.get(cluster)?.get(application)
  return found ? toPrevious(found) : null
}

/**
 * Whether an operator may do this to a rollout, given the others of its application.
 *
 * @returns rollouts that make way for it.
 * @throws HubError `conflict` when another rollout has moved the clusters on, or does so now.
 */
export function makeWay(state: LedgerState, plan: RolloutPlan, action: RolloutAction): string[] {
  if (action.kind !== 'start' && action.kind !== 'rollback') return []
  const others = runsOf(state, plan.application).filter(
    (run) => run.id !== plan.id && run.startedAt !== null,
  )
  const active = others.filter((run) => !finalPhases.has(run.phase)).map((run) => run.id)
  if (action.kind === 'start') {
    if (state.runs.get(plan.id)?.phase !== 'Planned') return []
    if (active.length === 0 || plan.supersede === 'replace') return active
    throw new HubError('conflict', `rollout ${active[0]} is active and this one waits for its end`)
  }
  const run = state.runs.get(plan.id)
  if (run && run.startedAt === null && finalPhases.has(run.phase)) {
    throw new HubError('conflict', `rollout ${plan.id} never began: there is nothing to give back`)
  }
  // By the order they were made in: the clock may have been set back in between.
  const ids = [...(state.rolloutsOf.get(plan.application) ?? [])]
  const later = new Set(ids.slice(ids.indexOf(plan.id) + 1))
  const newer = others.find(({ id }) => later.has(id))
  if (newer) {
    throw new HubError('conflict', `rollout ${newer.id} came after this one; roll that one back`)
  }
  return []
}

/**
 * Whether what a plan was made beside was aborted or rolled back since, as it stood in line or its hub was dead. The
 * plan may go on with that, as if nobody had taken it back.
 */
export function isOutdated(state: LedgerState, plan: RolloutPlan): boolean {
  if (plan.trigger.kind === 'api') return false
  const last = runsOf(state, plan.application).findLast(({ startedAt }) => startedAt !== null)
  if (last?.phase !== 'Aborted' && last?.phase !== 'RolledBack') return false
  return plan.supersede === 'queue' || last.finishedAt! >= plan.createdAt
}

/** What waits behind a paused rollout, and goes in its place when a person has that go on. */
export function findFollower(
  state: LedgerState,
  { plan, run }: { readonly plan: RolloutPlan; readonly run: RolloutRun },
  action: RolloutAction,
): string | undefined {
  if (run.phase !== 'Paused') return undefined
  // What failed is tried again by what follows, which begins with it.
  if (action.kind !== (findObstacle(plan, run) ? 'retry' : 'resume')) return undefined
  const others = plansOf(state, plan.application)
  const isWaiting = ({ id, behind, starts, supersede }: RolloutPlan) =>
    state.runs.get(id)?.phase === 'Planned' &&
    // A hub that died was to have it go at once, had nobody paused the other meanwhile.
    (behind === plan.id || (starts === true && supersede === 'replace'))
  return others.findLast(isWaiting)?.id
}

/**
 * Whether an active rollout already brings every cluster of a plan what that one would, and has nothing
 * still to bring where the plan has none: Git asks there for what runs.
 */
function brings(state: LedgerState, id: string, plan: RolloutPlan): boolean {
  const active = state.plans.get(id)!
  const { clusters } = state.runs.get(id)!
  const isSame = Object.entries(plan.targets).every(([cluster, target]) => {
    const mine = active.targets[cluster]
    return mine !== undefined && mine.digest === target.digest && !deletesMore(mine, target)
  })
  return (
    isSame &&
    Object.keys(active.targets).every(
      (cluster) => plan.targets[cluster] || clusters[cluster]?.state !== 'Pending',
    )
  )
}

function judgeRelease(
  state: LedgerState,
  plan: RolloutPlan,
  { force, isAskedStill }: { readonly force: boolean; readonly isAskedStill?: boolean },
): string | null {
  const hold = state.holds.get(plan.application)
  if (!hold) return null
  const bad = findHeld(state, plan.application)
  // Something else for one cluster ends nothing while Git asks for what is on hold, nor takes that along.
  const isBad = isAskedStill ? findBad(bad) : () => false
  const brings = Object.values(plan.targets).some(({ digest }) => isBad(digest))
  const verdict = brings ? 'held' : judgeHold(hold, bad, plan)
  switch (verdict) {
    case 'unrelated':
      return null
    case 'released':
      if (isAskedStill) return null
      return `rollout ${plan.id} brings other content`
    case 'held':
      if (force) return `rollout ${plan.id} was forced`
      throw new HubError(
        'conflict',
        `this content of ${plan.application} is on hold since rollout ${hold.rollout} (${hold.reason}); revert it in Git, or release it`,
      )
  }
}
