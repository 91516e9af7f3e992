import type { ApplicationSpec } from '../../fleet/kinds/application.ts'
import { assignedTo, plansOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import { historyOf, isRedone, isUnheard } from '../decide/changes.ts'
import { finalPhases, type RolloutPlan } from '../rollout.ts'

/* Of applications that left Git, those that depend on others go before them: each goes in waves of its own, and what
   stands at a gate still needs the others. */

/** What an application depends on; of one that left Git, as it was declared last. */
export type DependsOn = (application: string) => readonly string[]

/** What a plan keeps of what its application depends on. */
export function keepDependencies(
  dependsOn: DependsOn,
  application: string,
  spec: Pick<ApplicationSpec, 'dependsOn'> | undefined,
): Pick<RolloutPlan, 'dependsOn'> {
  const names = spec ? (spec.dependsOn ?? []).map(({ name }) => name) : dependsOn(application)
  return names.length > 0 ? { dependsOn: names } : {}
}

/** Of these the applications that left Git, those that depend on others before them; otherwise as they came. */
export function orderLeaving(
  dependsOn: DependsOn,
  { applications }: { readonly applications: ReadonlyMap<string, unknown> },
  names: readonly string[],
): string[] {
  const gone = names.filter((name) => !applications.has(name))
  const all = new Set(gone)
  /** What others depend on comes first here. */
  const backward = new Set<string>()
  const visit = (name: string, path: ReadonlySet<string>): void => {
    if (backward.has(name) || path.has(name)) return
    const further = new Set([...path, name])
    for (const first of dependsOn(name)) visit(first, further)
    if (all.has(name)) backward.add(name)
  }
  for (const name of gone.toReversed()) visit(name, new Set())
  return [...backward].toReversed()
}

/**
 * Applications that depend on one and may have to go before it: of one that left Git those that left it as well, of
 * another all. What was planned at different times may be a circle.
 */
export function listLeavingBefore(
  { rolloutsOf }: Pick<LedgerState, 'rolloutsOf'>,
  dependsOn: DependsOn,
  declared: ReadonlyMap<string, unknown>,
  application: string,
): string[] {
  const isDeclared = declared.has(application)
  return [...rolloutsOf.keys()].filter(
    (name) =>
      (isDeclared || !declared.has(name)) &&
      dependsOn(name).includes(application) &&
      !reaches(dependsOn, application, name),
  )
}

/**
 * Why an application cannot be removed on a cluster yet: one that leaves before it is still to go there. One that
 * stays, since its removal failed or was taken back, is not waited for.
 */
export function explainLeavingBefore(
  state: LedgerState,
  before: readonly string[],
  cluster: string,
): string | null {
  for (const name of before) {
    const going = findGoing(state, name, cluster)
    const first = `application ${name}, which depends on it and is still to be removed there`
    if (going) return `${first} by rollout ${going.id}`
    if (isToGo(state, name, cluster)) return first
  }
  return null
}

/** The rollout that is still to remove an application on a cluster. */
export function findGoing(
  state: Pick<LedgerState, 'plans' | 'runs' | 'rolloutsOf'>,
  application: string,
  cluster: string,
): RolloutPlan | undefined {
  return plansOf(state, application).findLast(({ id, targets }) => {
    const run = state.runs.get(id)!
    const isOver = finalPhases.has(run.phase) || run.phase === 'RollingBack'
    return !isOver && targets[cluster]?.digest === null && run.clusters[cluster]?.state !== 'Done'
  })
}

/** Whether one depends on another, over others too. */
function reaches(
  dependsOn: DependsOn,
  one: string,
  other: string,
  seen = new Set<string>(),
): boolean {
  if (seen.has(one)) return false
  seen.add(one)
  return dependsOn(one).some((name) => name === other || reaches(dependsOn, name, other, seen))
}

/**
 * Whether one that Git asks for no more on a cluster is to be removed there and that is not even planned: another
 * rollout of it is under way, or its plan could not be made.
 */
function isToGo(state: LedgerState, application: string, cluster: string): boolean {
  const runs = assignedTo(state, application).get(cluster)?.digest ?? null
  if (runs === null) return false
  const last = historyOf(state, application).find(
    (past) => past.plan.targets[cluster] !== undefined && !isUnheard(past, cluster),
  )
  return !last || last.plan.targets[cluster]!.digest !== null || isRedone(last, cluster)
}
