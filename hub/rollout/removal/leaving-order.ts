import type { ApplicationSpec } from '../../fleet/kinds/application.ts'
import { plansOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import { finalPhases, type RolloutPlan } from '../rollout.ts'

/* Of applications that left Git, those that depend on others go before them: each goes in waves of its own, and what
   stands at a gate still needs the others. */

type Past = Pick<LedgerState, 'plans' | 'rolloutsOf'> & {
  /** As Git had it last, of those that this hub has seen; of the others it is as they were planned last. */
  readonly dependsOn?: ReadonlyMap<string, readonly string[]>
}

/** What a plan keeps of what its application depends on. */
export function keepDependencies(
  past: Past,
  application: string,
  spec: Pick<ApplicationSpec, 'dependsOn'> | undefined,
): Pick<RolloutPlan, 'dependsOn'> {
  const dependsOn = spec ? spec.dependsOn?.map(({ name }) => name) : dependedOn(past, application)
  return dependsOn && dependsOn.length > 0 ? { dependsOn } : {}
}

/** Of these the applications that left Git, those that depend on others before them; otherwise as they came. */
export function orderLeaving(
  past: Past,
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
    for (const first of dependedOn(past, name)) visit(first, further)
    if (all.has(name)) backward.add(name)
  }
  for (const name of gone.toReversed()) visit(name, new Set())
  return [...backward].toReversed()
}

/** Applications that left Git and depend on one that has left it as well. What was planned at different times may be a circle. */
export function listLeavingBefore(
  past: Past,
  declared: ReadonlyMap<string, unknown>,
  application: string,
): string[] {
  if (declared.has(application)) return []
  return [...past.rolloutsOf.keys()].filter(
    (name) =>
      !declared.has(name) &&
      dependedOn(past, name).includes(application) &&
      !reaches(past, application, name),
  )
}

/**
 * Why an application cannot be removed on a cluster yet: one that leaves before it is still to go there. One that
 * stays, since its removal failed or was taken back, is not waited for.
 */
export function explainLeavingBefore(
  state: Past & Pick<LedgerState, 'runs'>,
  before: readonly string[],
  cluster: string,
): string | null {
  for (const name of before) {
    const going = plansOf(state, name).findLast(({ id, targets }) => {
      const run = state.runs.get(id)!
      const isOver = finalPhases.has(run.phase) || run.phase === 'RollingBack'
      return !isOver && targets[cluster]?.digest === null && run.clusters[cluster]?.state !== 'Done'
    })
    if (!going) continue
    return `application ${name}, which depends on it and is still to be removed there by rollout ${going.id}`
  }
  return null
}

/** Whether one depends on another, over others too. */
function reaches(past: Past, one: string, other: string, seen = new Set<string>()): boolean {
  if (seen.has(one)) return false
  seen.add(one)
  return dependedOn(past, one).some((name) => name === other || reaches(past, name, other, seen))
}

function dependedOn(past: Past, application: string): readonly string[] {
  return past.dependsOn?.get(application) ?? plansOf(past, application).at(-1)?.dependsOn ?? []
}
