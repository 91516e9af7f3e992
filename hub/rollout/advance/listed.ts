import type { Fleet } from '../../fleet/fleet.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import { activeRollouts } from '../decide/admission.ts'
import { removalsWave } from '../plan/plan.ts'
import type { RolloutPlan, RolloutTarget } from '../rollout.ts'

/* Which applications there is to decide on beside those that Git declares, and in what order. */

/** Applications that run somewhere. */
export function listAssigned({ assignedTo }: Pick<LedgerState, 'assignedTo'>): string[] {
  return [...assignedTo]
    .filter(([, mine]) => [...mine.values()].some(({ digest }) => digest !== null))
    .map(([name]) => name)
    .sort()
}

/** Applications that Git declares no more and that are on their way, and nowhere yet. */
export function listUnwanted(
  state: LedgerState,
  fleet: Fleet,
  assigned: readonly string[],
): string[] {
  const isBringing = (name: string): boolean =>
    activeRollouts(state, name).some((id) =>
      Object.values(state.plans.get(id)!.targets).some(({ digest }) => digest !== null),
    )
  return [...state.rolloutsOf.keys()]
    .filter((name) => !fleet.applications.has(name) && !assigned.includes(name))
    .filter(isBringing)
    .sort()
}

/** Applications that Git declares no more and that are nowhere, with rollouts that are kept. */
export function listOnce(
  { rolloutsOf, assignedTo }: Pick<LedgerState, 'rolloutsOf' | 'assignedTo'>,
  { applications }: Pick<Fleet, 'applications'>,
): string[] {
  const isSomewhere = (name: string): boolean =>
    [...(assignedTo.get(name)?.values() ?? [])].some(({ digest }) => digest !== null)
  return [...rolloutsOf.keys()].filter((name) => !applications.has(name) && !isSomewhere(name))
}

/** Rollouts that take away, wave by wave, what Git declares again: whether it can be rendered or not. */
export function listTakenBack(
  state: LedgerState,
  { applications }: Pick<Fleet, 'applications'>,
): string[] {
  return [...applications.keys()].flatMap((name) =>
    activeRollouts(state, name).filter(
      (id) => state.runs.get(id)!.phase !== 'RollingBack' && isLeaving(state.plans.get(id)!),
    ),
  )
}

/** Whether a whole application goes, and not only from clusters that it is placed on no more. */
export function isLeaving({ targets, waves }: RolloutPlan): boolean {
  const isPart = waves.some(({ name }) => name === removalsWave)
  return !isPart && Object.values(targets).every(({ digest }) => digest === null)
}

/**
 * Whether others are to get what a rollout takes away. It is begun before theirs, or a cluster is asked to let
 * two applications have one object, and fails the second.
 */
export function isGiving({ targets }: Pick<RolloutPlan, 'targets'>): boolean {
  const known = giving.get(targets) ?? Object.values(targets).some(gives)
  giving.set(targets, known)
  return known
}

export function gives(target: RolloutTarget | undefined): boolean {
  if (!target) return false
  const { digest, leave, deletionPolicy } = target
  return leave !== undefined || (digest === null && deletionPolicy === 'Orphan')
}

/** Whether a plan is to get objects of other applications. */
export function isTaking(plan: Pick<RolloutPlan, 'targets'>): boolean {
  return giversOf(plan).size > 0
}

/** Applications of which a plan is to get objects, on any of its clusters. */
export function giversOf({ targets }: Pick<RolloutPlan, 'targets'>): ReadonlySet<string> {
  const known =
    givers.get(targets) ??
    new Set(Object.values(targets).flatMap(({ from }) => Object.keys(from ?? {})))
  givers.set(targets, known)
  return known
}

/** Targets are frozen, may be of ten thousand clusters, and are asked about in every step. */
const giving = new WeakMap<RolloutPlan['targets'], boolean>()
const givers = new WeakMap<RolloutPlan['targets'], ReadonlySet<string>>()
