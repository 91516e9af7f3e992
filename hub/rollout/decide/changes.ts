import { plansOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { Assignment, Content, RolloutPlan, RolloutRun, RolloutTarget } from '../rollout.ts'
import { finalPhases } from '../rollout.ts'
import { removalsWave } from '../plan/plan.ts'
import { awaitsPerson, isPausedByPerson } from './by-person.ts'
import { isToRemove } from './to-come.ts'
import { listEndedWithout, listLeft, listUnproven } from './unproven.ts'

/** A rollout of the application, as far as deciding the next one needs it. */
export interface PastRollout {
  readonly plan: RolloutPlan
  readonly run: RolloutRun
  /** Clusters that it ended without, and where Git has asked for something else since. */
  readonly overruled?: ReadonlySet<string>
}

/** What became of an application's rollouts that are kept, newest first. */
export function historyOf(state: LedgerState, application: string): PastRollout[] {
  return plansOf(state, application)
    .map((plan) => {
      const overruled = state.overruled.get(plan.id)
      return { plan, run: state.runs.get(plan.id)!, ...(overruled && { overruled }) }
    })
    .reverse()
}

export interface ChangeInput {
  /** Cluster → what Git asks; null when Git declares the application no more. */
  readonly desired: ReadonlyMap<string, Content> | null
  /** Cluster → what it was last assigned, tombstones too. */
  readonly assigned: ReadonlyMap<string, Assignment>
  /** Clusters that may get anything: declared, enrolled, not suspended, not revoked. */
  readonly reachableByGit: ReadonlySet<string>
  readonly connected: (cluster: string) => boolean
  /** Whether its own keepers have the application's updates wait there, or refuse them. */
  readonly vetoed?: (cluster: string) => boolean
  /** Whether Git selects a cluster no more only since a moment ago: nothing is removed there yet. */
  readonly leaving?: (cluster: string) => boolean
  /** What a rollback of this rollout would go back to; null when a cluster has nothing. */
  readonly previous: (cluster: string) => Content | null
  /** Newest first. */
  readonly history: readonly PastRollout[]
  /** Whether this is on hold: it is brought by a person's word only. */
  readonly held?: (content: Content) => boolean
  /** By a person's word: what failed before is tried again. */
  readonly again: boolean
  /** The rollout in hand brings this, and is to be planned anew all the same. */
  readonly anew?: boolean
}

export type Change =
  | { readonly kind: 'none' }
  /** The rollout in hand already brings this; what is left comes after it. */
  | { readonly kind: 'later'; readonly rollout: string }
  /** This rollout brings what Git asks no more, and nothing has to take its place. */
  | { readonly kind: 'withdraw'; readonly rollout: string }
  /** Git selects no cluster any more: refused, since an empty selection must not delete. */
  | { readonly kind: 'emptySelection'; readonly clusters: number }
  | {
      readonly kind: 'rollout'
      readonly targets: Readonly<Record<string, RolloutTarget>>
      /** True when nothing but clusters that came late or came back are in it. */
      readonly catchUp: boolean
      /** The rollout in hand that a person has paused, and of which this would bring the rest. */
      readonly paused?: string
      /** What was planned to wait for a person, and of which this would bring a part: it waits as well. */
      readonly unstarted?: string
      /** The rollout in hand that is still to remove what Git asks for by now: nothing stands in line behind that. */
      readonly saves?: string
      /** The rollout in hand has nothing to come any more but removals: nobody stands in line behind those. */
      readonly overtakes?: true
    }

/** What Git asks × what clusters are assigned → what has to be rolled out, if anything. */
export function findChange(input: ChangeInput): Change {
  const { desired, assigned, history } = input
  const active = history.find(({ run }) => !finalPhases.has(run.phase))
  // What waits behind it, or in line, has moved nothing yet.
  const begun = history.find(({ run }) => !finalPhases.has(run.phase) && run.phase !== 'Planned')
  const wanted = listWanted(input)
  if (desired && desired.size === 0) {
    const present = [...assigned].filter(
      ([cluster, { digest }]) => digest !== null && input.reachableByGit.has(cluster),
    )
    if (present.length > 0) return { kind: 'emptySelection', clusters: present.length }
  }
  const differing = [...wanted].filter(([cluster, content]) => {
    const now = assigned.get(cluster)
    return now ? now.digest !== content.digest : content.digest !== null
  })
  const isStaying = (cluster: string): boolean =>
    !input.again && wanted.get(cluster)?.digest === null && input.leaving?.(cluster) === true
  const goingBack = history.find(({ run }) => run.phase === 'RollingBack')
  if (goingBack) return { kind: 'later', rollout: goingBack.plan.id }
  const isSame = active && !input.anew && sameForAll(input, active.plan, wanted, isStaying)
  if (isSame && !isOnlyRemoving(input, active.plan)) {
    return { kind: 'later', rollout: active.plan.id }
  }
  const asked = listDue(
    input,
    differing.filter(([cluster]) => !isStaying(cluster)),
  )
  const isFree = (cluster: string): boolean =>
    input.again || input.held?.(wanted.get(cluster)!) !== true
  const free = asked.filter(([cluster]) => isFree(cluster))
  if (isSame && free.every(([, { digest }]) => digest === null)) {
    return { kind: 'later', rollout: active.plan.id }
  }
  const isNext = active !== undefined && begun !== undefined && begun !== active
  if (isNext && !input.anew && sameForAll(input, begun.plan, wanted, isStaying)) {
    return { kind: 'withdraw', rollout: active.plan.id }
  }
  const isWanted = ([cluster, plan]: readonly [string, RolloutPlan]): boolean =>
    wanted.get(cluster)?.digest === plan.targets[cluster]?.digest && !isStaying(cluster)
  // What has it and failed is tried again by a person's word, as what has it not.
  const failed = input.again ? listEndedWithout(input).filter(isWanted) : []
  const isNothing = failed.length === 0
  if (isNothing && free.length === 0 && active) {
    return { kind: isSetAside(input, active) ? 'later' : 'withdraw', rollout: active.plan.id }
  }
  if (isNothing && asked.length === 0) return { kind: 'none' }
  // With nothing else to bring, what is on hold is planned, and refused in words.
  const due = free.length > 0 ? free : asked
  const all = new Map(due.map(([cluster, content]) => [cluster, bring(input, cluster, content)]))
  const inHand = begun ? listUnproven(begun).map((cluster) => [cluster, begun.plan] as const) : []
  const spread = new Set(due.map(([, { digest }]) => digest))
  // What is on hold would keep back what is not.
  for (const [cluster, plan] of [
    ...failed,
    ...[...listLeft(input, spread), ...inHand].filter((one) => isWanted(one) && isFree(one[0])),
  ]) {
    // What it had before is what that rollout found: what it has now is what is to be proven.
    all.set(cluster, { ...wanted.get(cluster)!, previous: plan.targets[cluster]!.previous })
  }
  const targets = Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)))
  const isKnown = createKnown(history)
  const paused =
    begun && isPausedByPerson(begun) && goesOn(begun.plan, targets) ? begun.plan.id : undefined
  const isUnstarted = active && awaitsPerson(active) && goesOn(active.plan, targets)
  const saves = begun && isToRemove(begun, input.desired) ? begun.plan.id : undefined
  return {
    kind: 'rollout',
    targets,
    catchUp: due.every(([cluster, { digest }]) => isKnown(cluster, digest)),
    ...(paused !== undefined && { paused }),
    ...(isUnstarted && { unstarted: active.plan.id }),
    ...(saves !== undefined && { saves }),
    ...(begun && isLastRemoving(begun) && { overtakes: true as const }),
  }
}

/** Whether something is brought on that a rollout in hand was to bring. */
export function goesOn(
  plan: RolloutPlan,
  targets: Readonly<Record<string, RolloutTarget>>,
): boolean {
  return Object.entries(targets).some(
    ([cluster, { digest }]) => plan.targets[cluster]?.digest === digest,
  )
}

/** Whether all that the first bring is among the second. */
export function isWithin(
  targets: Readonly<Record<string, RolloutTarget>>,
  others: Readonly<Record<string, RolloutTarget>>,
): boolean {
  return Object.entries(targets).every(
    ([cluster, { digest }]) => others[cluster]?.digest === digest,
  )
}

/**
 * Whether a cluster was to have this before, and its turn had come, or a first wave had it and all waves have gone by:
 * what stopped before the waves in front of it were through is as good as new there, and so is what came to others
 * alone. So is what comes again as something new.
 */
function createKnown(history: readonly PastRollout[]) {
  const begun = history.filter(({ run }) => run.startedAt !== null)
  const known = begun.map(({ plan: { targets, waves }, run, overruled }) => {
    const isHeard = (name: string): boolean => overruled?.has(name) !== true
    const given = waves.slice(0, run.wave + 1).flatMap(({ clusters }) => clusters.filter(isHeard))
    const isOver = run.phase === 'Succeeded' || run.phase === 'Failed'
    const first = isOver ? waves[0]!.clusters.filter(isHeard) : []
    const proven = new Set(first.map((name) => targets[name]!.digest))
    return { targets, given: new Set(given), proven }
  })
  return (cluster: string, digest: Content['digest']): boolean =>
    known.some(
      ({ targets, given, proven }) =>
        proven.has(digest) || (given.has(cluster) && targets[cluster]!.digest === digest),
    )
}

/** Cluster → content, tombstones for what Git no longer places there, told already or not. */
function listWanted({ desired, assigned, reachableByGit }: ChangeInput): Map<string, Content> {
  const wanted = new Map<string, Content>()
  for (const [cluster, content] of desired ?? []) {
    if (reachableByGit.has(cluster)) wanted.set(cluster, content)
  }
  for (const [cluster, { digest, revision }] of assigned) {
    if (desired?.has(cluster) || !reachableByGit.has(cluster)) continue
    if (digest === null && desired?.size === 0) continue
    wanted.set(cluster, { digest: null, size: 0, revision })
  }
  return wanted
}

/**
 * Whether a rollout in hand brings each of its clusters what is wanted there, those that stay aside. One that
 * is given nothing any more (suspended, detached, revoked) is passed over, and takes no rollout's place.
 */
function sameForAll(
  input: ChangeInput,
  plan: RolloutPlan,
  wanted: ReadonlyMap<string, Content>,
  isStaying: (cluster: string) => boolean,
): boolean {
  const open = listOpen(input, plan)
  return (
    open.length > 0 &&
    open.every(
      ([cluster, { digest }]) => isStaying(cluster) || wanted.get(cluster)?.digest === digest,
    )
  )
}

/**
 * Whether a rollout removes, and brings nothing: new content for others does not wait for its end, which may be long in
 * coming where a window is closed, a cluster is away or a finalizer holds. What it has not come to, and what failed, goes
 * along.
 */
function isOnlyRemoving(input: ChangeInput, plan: RolloutPlan): boolean {
  return listOpen(input, plan).every(([, { digest }]) => digest === null)
}

/**
 * Whether a rollout that was begun has only removals left. They may wait for what depends on it, and that for what stood
 * in line behind them.
 */
function isLastRemoving({ plan: { targets, waves }, run }: PastRollout): boolean {
  if (waves[run.wave]?.name === removalsWave) return true
  return Object.values(targets).every(({ digest }) => digest === null)
}

/** Whether a rollout waits for a person, and nobody of it may get anything now: what is waited for holds once they may. */
function isSetAside(input: ChangeInput, past: PastRollout): boolean {
  const isPersons = isPausedByPerson(past) || awaitsPerson(past)
  return isPersons && listOpen(input, past.plan).length === 0
}

/** What a plan brings to clusters that may get anything. */
function listOpen(
  { reachableByGit }: ChangeInput,
  { targets }: RolloutPlan,
): [string, RolloutTarget][] {
  return Object.entries(targets).filter(([cluster]) => reachableByGit.has(cluster))
}

/** Of clusters that differ those that are to be offered it. */
function listDue(
  input: ChangeInput,
  differing: readonly (readonly [string, Content])[],
): (readonly [string, Content])[] {
  if (input.again) return [...differing]
  const due = differing.filter(([cluster, content]) => isDue(input, cluster, content))
  const brought = findBringers(input)
  let isTaken: boolean | undefined
  const isKept = (cluster: string, { digest }: Content): boolean => {
    const last = findLast(input, cluster)
    const by = brought.get(digest)
    const { history } = input
    if (digest === null || (!by && last && !wasAside(history, cluster, last))) return false
    // It joins, or may get something again, and has content of its own: as good or bad as what the others were to get
    // by the same commit.
    if (!by) return (isTaken ??= isTakenBack(input))
    return isAborted(by) && (!last || history.indexOf(last) > history.indexOf(by))
  }
  const kept = new Set(due.filter((one) => isKept(...one)))
  const moved = new Set(due.filter((one) => !kept.has(one)).map(([, { digest }]) => digest))
  return due.filter((one) => !kept.has(one) || moved.has(one[1].digest))
}

/** Whether what Git asks was aborted, or rolled back, and no cluster runs any of it that was not. */
function isTakenBack(input: ChangeInput): boolean {
  let isTaken = false
  for (const [cluster, content] of input.desired ?? []) {
    const last = findLast(input, cluster)
    const isSame = last?.plan.targets[cluster]!.digest === content.digest
    const isStopped = isSame && isAborted(last) && last.overruled?.has(cluster) !== true
    if (isStopped || input.held?.(content)) isTaken = true
    else if (input.assigned.get(cluster)?.digest === content.digest) return false
  }
  return isTaken
}

/** Whether a cluster was to be given nothing when what was aborted, or rolled back, since its own last rollout was planned. */
function wasAside(history: readonly PastRollout[], cluster: string, last: PastRollout): boolean {
  return history
    .slice(0, history.indexOf(last))
    .some(
      ({ plan, run }) =>
        (run.phase === 'Aborted' || run.phase === 'RolledBack') && plan.aside?.includes(cluster),
    )
}

/** The newest rollout that says something of a cluster. */
function findLast({ history }: ChangeInput, cluster: string): PastRollout | undefined {
  return history.find(
    (past) => past.plan.targets[cluster] !== undefined && !isUnheard(past, cluster),
  )
}

/**
 * Whether a cluster that differs is to be offered by itself. What failed there, was skipped,
 * aborted or rolled back is not redone until Git has asked for something else there or a person says so;
 * what it missed while it was away is, once it is back.
 */
function isDue(input: ChangeInput, cluster: string, content: Content): boolean {
  const last = findLast(input, cluster)
  if (!last || last.plan.targets[cluster]!.digest !== content.digest) return true
  return last.overruled?.has(cluster) === true || isRedone(last, cluster, input)
}

/** Whether a cluster is still to get what a rollout that it differs from was to bring; without a link, once it is there. */
export function isRedone(
  last: PastRollout,
  cluster: string,
  link?: Pick<ChangeInput, 'connected' | 'vetoed'>,
): boolean {
  const progress = last.run.clusters[cluster]
  const isThere = link?.connected(cluster) !== false
  if (last.run.phase === 'Superseded' && progress?.state !== 'Done') return true
  if (last.run.phase === 'Aborted') {
    // What it missed while it was away is aborted as well.
    return progress?.state === 'Done' && progress.outcome === 'Succeeded'
  }
  if (!progress || !finalPhases.has(last.run.phase)) return true
  switch (progress.state) {
    case 'Done':
      switch (progress.outcome) {
        case 'Unreachable':
          return isThere
        case 'Vetoed':
          return isThere && link?.vetoed?.(cluster) !== true
        case 'Succeeded':
          return true
        case 'Skipped':
          return progress.closed === true
        case 'Failed':
        case 'TimedOut':
          return false
      }
    case 'Pending':
    case 'Offered':
    case 'Soaking':
    case 'Reverting':
    case 'Reverted':
      return false
  }
}

/**
 * What rollouts brought, wherever, each by the newest that did: what was aborted comes by itself to no cluster that
 * joins, or was given nothing then, as to none of those whom it was for.
 */
function findBringers({ history }: ChangeInput): ReadonlyMap<Content['digest'], PastRollout> {
  const brought = new Map<Content['digest'], PastRollout>()
  for (const past of history) {
    if (past.run.startedAt === null) continue
    for (const { digest } of Object.values(past.plan.targets)) {
      if (!brought.has(digest)) brought.set(digest, past)
    }
  }
  return brought
}

/** Whether somebody aborted it, and Git has not asked for something else since wherever it did not come. */
function isAborted(past: PastRollout): boolean {
  const { plan, run, overruled } = past
  if (run.phase !== 'Aborted') return false
  // It may have come everywhere, and been aborted at its last gate.
  if (!overruled) return true
  return Object.keys(plan.targets).some(
    (cluster) => !isRedone(past, cluster) && !overruled.has(cluster),
  )
}

/** Whether a rollout was only planned, and says as little about a cluster as if it had never been made. */
export function isUnheard({ run }: PastRollout, cluster: string): boolean {
  if (run.startedAt !== null || run.clusters[cluster]?.state !== 'Pending') return false
  return run.phase === 'Planned' || run.phase === 'Superseded'
}

/** A tombstone is nothing to go back to. */
function bring(input: ChangeInput, cluster: string, content: Content): RolloutTarget {
  const previous = input.previous(cluster)
  return { ...content, previous: previous && previous.digest !== null ? previous : null }
}
