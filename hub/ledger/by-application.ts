import type { Assignment, KeptStrategy, RolloutPlan, RolloutRun } from '../rollout/rollout.ts'

/**
 * What the ledger says of each application, found without looking at all others: whoever decides
 * asks for each of a thousand.
 */
export interface ByApplication {
  /** Ids of its rollouts that are kept, oldest first. */
  readonly rolloutsOf: Map<string, Set<string>>
  /** By application, then cluster: what each should run, tombstones too. */
  readonly assignedTo: Map<string, Map<string, Assignment>>
}

/** What the same is found by, when all of it is wanted. */
export interface Indexed extends ByApplication {
  readonly plans: Map<string, RolloutPlan>
  readonly runs: Map<string, RolloutRun>
  /** By cluster, then application. */
  readonly assignments: Map<string, Map<string, Assignment>>
}

export function emptyByApplication(): ByApplication {
  return { rolloutsOf: new Map(), assignedTo: new Map() }
}

/** A rollout that was not known before. */
export function addRollout(state: Indexed, plan: RolloutPlan, run: RolloutRun): void {
  state.plans.set(plan.id, plan)
  state.runs.set(plan.id, run)
  const mine = state.rolloutsOf.get(plan.application)
  if (mine) mine.add(plan.id)
  else state.rolloutsOf.set(plan.application, new Set([plan.id]))
}

export function forgetRollout(state: Indexed, { id, application }: RolloutPlan): void {
  state.plans.delete(id)
  state.runs.delete(id)
  const mine = state.rolloutsOf.get(application)
  mine?.delete(id)
  if (mine?.size === 0) state.rolloutsOf.delete(application)
}

/** What a cluster should run of an application from now on. */
export function putAssignment(state: Indexed, assignment: Assignment): void {
  const { cluster, application } = assignment
  const there = state.assignments.get(cluster) ?? new Map<string, Assignment>()
  state.assignments.set(cluster, there.set(application, assignment))
  const mine = state.assignedTo.get(application) ?? new Map<string, Assignment>()
  state.assignedTo.set(application, mine.set(cluster, assignment))
}

/** Rollouts of an application that are kept, oldest first. */
export function plansOf(
  state: Pick<Indexed, 'plans' | 'rolloutsOf'>,
  application: string,
): RolloutPlan[] {
  return [...(state.rolloutsOf.get(application) ?? [])].map((id) => state.plans.get(id)!)
}

/**
 * Name of the Project that an application was in when it was planned last, which limits it also when Git
 * declares it no more. Undefined where nobody kept it.
 */
export function lastProjectOf(
  state: Pick<Indexed, 'plans' | 'rolloutsOf'>,
  application: string,
): string | undefined {
  return plansOf(state, application).findLast(({ project }) => project !== undefined)?.project
}

/** How an application was to be rolled out when it was planned last; undefined where nothing was said of that. */
export function lastStrategyOf(
  state: Pick<Indexed, 'plans' | 'rolloutsOf'>,
  application: string,
): KeptStrategy | undefined {
  return plansOf(state, application).at(-1)?.strategy
}

export function runsOf(
  state: Pick<Indexed, 'runs' | 'rolloutsOf'>,
  application: string,
): RolloutRun[] {
  return [...(state.rolloutsOf.get(application) ?? [])].map((id) => state.runs.get(id)!)
}

const none: ReadonlyMap<string, Assignment> = new Map()

/** By cluster: what each was last assigned of an application, tombstones too. */
export function assignedTo(
  state: Pick<ByApplication, 'assignedTo'>,
  application: string,
): ReadonlyMap<string, Assignment> {
  return state.assignedTo.get(application) ?? none
}
