import { plansOf } from '../../ledger/by-application.ts'
import { toContent } from '../content.ts'
import { type ComingDeps, createWhatComes } from './coming.ts'
import { createKept, type KeptDeps } from './kept.ts'
import { createObstacles } from './obstacle.ts'
import { giversOf, isGiving, isTaking } from '../advance/listed.ts'
import { isInFlight } from '../step/outcome.ts'
import { createTakenBack } from './taken-back.ts'
import type { Assignment } from '../rollout.ts'
import type { Withheld } from '../withhold/windows.ts'

/* Objects that pass from one application to another on a cluster. Who gets one waits until who has it lets go
   of it; those that wait for each other in a circle come together, in one snapshot. */

export type HandoverDeps = ComingDeps &
  Pick<KeptDeps, 'settledAt'> & {
    /** What was kept from a cluster may be sent, though nothing was assigned there: what it was to come with does not. */
    readonly released: (cluster: string) => void
  }

/** What an agent says it runs of an application. */
type Running = Pick<Assignment, 'digest' | 'generation'>

export type Handovers = ReturnType<typeof createHandovers>

export function createHandovers(deps: HandoverDeps) {
  const { state } = deps
  const coming = createWhatComes(deps)
  const { activeOf, findComing } = coming
  const kept = createKept({ state, settledAt: deps.settledAt, isToLetGo: coming.isToLetGo })
  const { findKept } = kept
  const isSettled = (): boolean => deps.settledAt() > -Infinity
  const listTakenBack = createTakenBack({ ...deps, isSettled })
  const { findHindrance, findObstacle } = createObstacles({ ...deps, ...coming, ...kept })

  /** What a cluster runs of what is kept from it, as it would be listed. */
  function listRunning(
    one: Assignment,
    running: Running | 'untold' | undefined,
  ): Assignment | undefined {
    if (running === undefined || running === 'untold' || !running.digest) return undefined
    const { cluster, application, rollout } = one
    const targets = plansOf(state, application).flatMap(({ targets: all }) => all[cluster] ?? [])
    const known = [...targets.map(({ previous }) => previous), ...targets]
    const found = known.findLast((content) => content?.digest === running.digest)
    if (!found) return undefined
    const { generation } = running
    // Whether it was an undoing is not known; one deletes less.
    return { cluster, application, rollout, ...toContent(found), undo: true, generation }
  }

  /** By application: the clusters from which it was kept when it was looked at last. */
  const keptFrom = new Map<string, Set<string>>()
  function noteKept(application: string, cluster: string, isKept: boolean): void {
    const mine = keptFrom.get(application) ?? new Set()
    if (isKept) keptFrom.set(application, mine.add(cluster))
    else if (mine.delete(cluster)) deps.released(cluster)
    if (mine.size === 0) keptFrom.delete(application)
  }

  /** Cluster → of which applications a removal was kept from it that Git had taken back, as it was looked at last. */
  const spared = new Map<string, string>()

  return {
    /** Git was decided on: it may ask anew for a removal that it had taken back, and no rollout brings that. */
    noteDecided(): void {
      for (const [cluster, before] of spared) {
        const names = [...listTakenBack(cluster).keys()].join()
        if (names === before) continue
        if (names === '') spared.delete(cluster)
        else spared.set(cluster, names)
        deps.released(cluster)
      }
    },
    /** Whether this hub has decided on Git: before it, what was planned and what was sent look alike. */
    isSettled,
    /** What the clusters of an application's rollout are to wait for. */
    look(application: string) {
      const active = activeOf(application)
      // One that is just being started offers in the same step.
      const mine = active.find(({ run }) => run.startedAt !== null) ?? active.at(-1)
      if (!mine || !isTaking(mine.plan)) {
        for (const cluster of keptFrom.get(application) ?? []) noteKept(application, cluster, false)
        return nothing
      }
      const { clusters } = mine.run
      const isOnItsWay = (cluster: string): boolean =>
        clusters[cluster] !== undefined && isInFlight(clusters[cluster])
      return {
        /** Why it may not be offered to a cluster yet. */
        withheld(cluster: string): Withheld | null {
          if (isOnItsWay(cluster)) return null
          const waits = findObstacle(mine.plan, cluster)
          if (waits === undefined) return null
          const next = findComing(waits, cluster)
          const why = next ? findHindrance(next, cluster) : null
          const by = next && `, by rollout ${next.plan.id}${why === null ? '' : `: ${why}`}`
          return { until: null, reason: describe(waits, by ?? coming.explainLater(waits, cluster)) }
        },
        /** With whom what was offered to a cluster is to come there, as long as it cannot yet. */
        awaits(cluster: string): string | null {
          const first = isOnItsWay(cluster) ? findKept(cluster).get(application)?.first : undefined
          noteKept(application, cluster, first !== undefined)
          return first ?? null
        },
      }
    },
    /** What a cluster is assigned, but for tombstones of what it never was sent: no signer lets them pass. */
    listSendable(cluster: string, assignments: readonly Assignment[]): readonly Assignment[] {
      const isNothing = ({ digest, rollout }: Assignment): boolean => {
        const progress = state.runs.get(rollout)?.clusters[cluster]
        return digest === null && progress?.state === 'Done' && progress.unsent === true
      }
      const rest = assignments.filter((one) => !isNothing(one))
      return rest.length === assignments.length ? assignments : rest
    },
    /** Whether a removal that may have been signed for a cluster is to be made void by a newer snapshot. */
    isSpared: (cluster: string): boolean => isSettled() && spared.has(cluster),
    /** Whether something is kept from a cluster: what its agent says it runs of that is listed instead. */
    isKeptFrom: (cluster: string): boolean =>
      spared.has(cluster) || [...keptFrom.values()].some((clusters) => clusters.has(cluster)),
    /**
     * What a cluster is assigned, but for what would find its objects with others that let go of them any moment,
     * and for removals that Git took back before its agent had them: of that what runs there, since what is not listed
     * is healed, and kept from others, by no agent started anew. `wait` until an agent that is just back has said it: it tells one application after the other.
     */
    listTogether(
      cluster: string,
      assignments: readonly Assignment[],
      runs: (application: string) => Running | 'untold' | undefined,
    ): readonly Assignment[] | 'wait' {
      const unsent = findKept(cluster)
      const takenBack = listTakenBack(cluster)
      if (takenBack.size > 0) spared.set(cluster, [...takenBack.keys()].join())
      if (unsent.size + takenBack.size === 0) return assignments
      const names = [...unsent.keys(), ...takenBack.keys()]
      const running = new Map(names.map((name) => [name, runs(name)]))
      if ([...running.values()].includes('untold')) return 'wait'
      const listed = assignments.flatMap((one) => {
        const mine = running.get(one.application)
        if (unsent.has(one.application)) return listRunning(one, mine) ?? []
        const removedAt = takenBack.get(one.application)
        if (removedAt === undefined) return [one]
        // It may run there, and its agent have lost what it held; what is not listed is left alone.
        if (!mine || mine === 'untold') return []
        if (mine.digest === null || mine.generation >= removedAt) return [one]
        return listRunning(one, mine) ?? []
      })
      const isSame = listed.length === assignments.length
      return isSame && listed.every((one, at) => one === assignments[at]) ? assignments : listed
    },
    /** Applications that wait for this one to let go of something. */
    listTakers(application: string): string[] {
      if (!activeOf(application).some(({ plan }) => isGiving(plan))) return []
      return [...state.rolloutsOf.keys()].filter((name) =>
        activeOf(name).some(({ plan }) => giversOf(plan).has(application)),
      )
    },
  }
}

const nothing = { withheld: () => null, awaits: () => null }

function describe(application: string, how: string): string {
  return `application ${application}, which has still to let go of objects there${how}`
}
