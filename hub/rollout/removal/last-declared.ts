import type { Fleet } from '../../fleet/fleet.ts'
import { projectNameOf } from '../../fleet/resolve/tenancy.ts'
import { assignedTo, lastProjectOf, lastStrategyOf, plansOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import { isLeaving, listAssigned } from '../advance/listed.ts'
import type { KeptStrategy } from '../rollout.ts'
import { keepDeclared } from '../plan/strategy.ts'
import type { DependsOn } from './leaving-order.ts'

/** How applications are to leave that Git declares no more. */
export interface LastDeclared {
  /** Called for every fleet that is taken in. */
  note(fleet: Pick<Fleet, 'applications' | 'strategies'>): void
  /** Applications that run on its clusters and are not in a fleet, and of whose leaving no plan was made. */
  listUnplanned(fleet: Pick<Fleet, 'applications' | 'clusters'>): string[]
  /** As Git had it last; what this hub has not seen of that, as its last rollout was planned. */
  strategyOf(application: string): KeptStrategy | undefined
  /** Name of the Project that it was in, likewise. */
  projectOf(application: string): string | undefined
  /** What it depended on, likewise. */
  readonly dependsOn: DependsOn
}

/** A strategy may have come, or changed, after the last rollout: nothing is rolled out for that. */
export function createLastDeclared(
  past: Pick<LedgerState, 'plans' | 'rolloutsOf' | 'assignedTo'>,
): LastDeclared {
  const strategies = new Map<string, KeptStrategy | undefined>()
  const projects = new Map<string, string>()
  const dependsOn = new Map<string, readonly string[]>()
  let noted: unknown
  return {
    note(fleet) {
      if (fleet === noted) return
      noted = fleet
      for (const name of strategies.keys()) {
        if (past.assignedTo.has(name)) continue
        strategies.delete(name)
        projects.delete(name)
        dependsOn.delete(name)
      }
      for (const [name, { spec }] of fleet.applications) {
        strategies.set(name, keepDeclared(fleet, spec))
        projects.set(name, projectNameOf(spec))
        dependsOn.set(name, spec.dependsOn?.map((on) => on.name) ?? [])
      }
    },
    dependsOn: (application) =>
      dependsOn.get(application) ?? plansOf(past, application).at(-1)?.dependsOn ?? [],
    listUnplanned: ({ applications, clusters }) =>
      listAssigned(past).filter((name) => {
        const newest = plansOf(past, name).at(-1)
        if (applications.has(name) || (newest && isLeaving(newest))) return false
        // What ran on clusters that left Git as well stays there, and is planned never.
        const mine = [...assignedTo(past, name).values()]
        return mine.some(({ cluster, digest }) => digest !== null && clusters.has(cluster))
      }),
    projectOf: (application) => projects.get(application) ?? lastProjectOf(past, application),
    strategyOf: (application) =>
      strategies.has(application) ? strategies.get(application) : lastStrategyOf(past, application),
  }
}
