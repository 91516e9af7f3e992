import type { LedgerState } from '../../../../hub/ledger/replay.ts'
import { finalPhases, type RolloutPlan, type RolloutRun } from '../../../../hub/rollout/rollout.ts'
import type { Git } from './several-git.ts'

/* Of applications that left Git, nobody is removed on a cluster under one that depends on it and is to go there. */

export interface LeavingDeps {
  readonly git: () => Git
  readonly state: LedgerState
  /** Whether it moves by a person's word. */
  readonly isByPerson: (id: string) => boolean
  readonly fail: (words: string) => void
}

export function createLeavingJudge({ git, state, isByPerson, fail }: LeavingDeps) {
  /** As Git had it last. */
  const declared = new Map<string, readonly string[]>()
  /** Of this round: what was removed in it. */
  let removed: { application: string; cluster: string }[] = []

  const isGone = (name: string): boolean => !(name in git().declared)
  const plansOf = (name: string): RolloutPlan[] =>
    [...(state.rolloutsOf.get(name) ?? [])].map((id) => state.plans.get(id)!)
  /** What was planned at different times may be a circle. */
  const asPlanned = (name: string): readonly string[] => plansOf(name).at(-1)?.dependsOn ?? []
  const asDeclared = (name: string): readonly string[] => declared.get(name) ?? []

  function reaches(
    of: typeof asPlanned,
    one: string,
    other: string,
    seen = new Set<string>(),
  ): boolean {
    if (seen.has(one)) return false
    seen.add(one)
    return of(one).some((name) => name === other || reaches(of, name, other, seen))
  }

  /** Whether it leaves before another, so that a hub which has seen no more than its ledger knows as well. */
  function isBefore(one: string, other: string): boolean {
    if (!isGone(one) || !isGone(other)) return false
    return [asPlanned, asDeclared].every(
      (of) => of(one).includes(other) && !reaches(of, other, one),
    )
  }

  return {
    beginRound(): void {
      removed = []
      for (const [name, { dependsOn }] of Object.entries(git().declared)) {
        declared.set(name, dependsOn)
      }
    },
    judgeMove({ id, application, targets }: RolloutPlan, before: RolloutRun, after: RolloutRun) {
      if (!isGone(application) || isByPerson(id)) return
      const isBegun = before.startedAt === null && after.startedAt !== null
      for (const one of isBegun ? removed : []) {
        if (targets[one.cluster]?.digest !== null || !isBefore(application, one.application))
          continue
        fail(
          `${one.application} was removed on ${one.cluster} before ${id} of ${application} was begun`,
        )
      }
      for (const [cluster, { state: now }] of Object.entries(after.clusters)) {
        const isOffered = now === 'Offered' && before.clusters[cluster]?.state !== 'Offered'
        if (!isOffered || targets[cluster]!.digest !== null) continue
        removed.push({ application, cluster })
        for (const first of [...state.rolloutsOf.keys()].filter((name) =>
          isBefore(name, application),
        )) {
          const going = plansOf(first).findLast((plan) => {
            const run = state.runs.get(plan.id)!
            if (finalPhases.has(run.phase) || run.phase === 'RollingBack') return false
            return plan.targets[cluster]?.digest === null && run.clusters[cluster]?.state !== 'Done'
          })
          if (going)
            fail(`${id} removes ${application} on ${cluster} before ${first}, by ${going.id}`)
          // Nothing has begun to take it away since it was brought.
          const runs = state.assignedTo.get(first)?.get(cluster)
          const brought = plansOf(first).findLast(({ id: one, targets: those }) => {
            const { startedAt } = state.runs.get(one)!
            return startedAt !== null && those[cluster] !== undefined
          })
          if (runs?.digest && brought?.targets[cluster]!.digest)
            fail(`${id} removes ${application} on ${cluster} before ${first}, which is not planned`)
        }
      }
    },
  }
}
