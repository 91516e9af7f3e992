import type { Digest } from '@groundswell/proto/digest.ts'
import { plansOf } from '../ledger/by-application.ts'
import type { LedgerState } from '../ledger/replay.ts'
import { findStop } from './failure.ts'
import { toContent } from './content.ts'
import { gives, giversOf, isGiving, isTaking } from './listed.ts'
import { isInFlight, mayMove } from './outcome.ts'
import {
  type Assignment,
  type ClusterProgress,
  finalPhases,
  type RolloutPlan,
  type RolloutRun,
} from './rollout.ts'
import type { Withheld } from './windows.ts'

/* Objects that pass from one application to another on a cluster. Who gets one waits until who has it lets go
   of it; those that wait for each other in a circle come together, in one snapshot. */

export interface HandoverDeps {
  readonly state: Pick<LedgerState, 'plans' | 'runs' | 'rolloutsOf' | 'assignments' | 'holds'>
  /** Whether a cluster may be offered something new of an application now, whatever its rollout says. */
  readonly isFree: (application: string, cluster: string) => boolean
  /** When all that Git asked had been decided on last, in milliseconds: what is younger may not be planned yet. */
  readonly settledAt: () => number
  /** What Git asks of an application on a cluster: null for nothing, undefined where it cannot be told. */
  readonly desired: (application: string, cluster: string) => Digest | null | undefined
  /** When an application is removed from a cluster that Git selects no more, if that is waited for; milliseconds. */
  readonly leavesAt: (application: string, cluster: string) => number | undefined
  /** What was kept from a cluster may be sent, though nothing was assigned there: what it was to come with does not. */
  readonly released: (cluster: string) => void
}

interface Coming {
  readonly plan: RolloutPlan
  readonly run: RolloutRun
}

interface Kept {
  readonly plan: RolloutPlan
  readonly holders: readonly string[]
  /** For whom it waits. */
  readonly first: string
}

/** What an agent says it runs of an application. */
type Running = Pick<Assignment, 'digest' | 'generation'>

export type Handovers = ReturnType<typeof createHandovers>

export function createHandovers(deps: HandoverDeps) {
  const { state, isFree, settledAt } = deps
  /** A run is another object whenever it has moved; it is asked about once for each of its clusters. */
  const inFlight = new WeakMap<RolloutRun, number>()
  function countInFlight(run: RolloutRun): number {
    const count = inFlight.get(run) ?? Object.values(run.clusters).filter(isInFlight).length
    inFlight.set(run, count)
    return count
  }

  const activeOf = (application: string): Coming[] =>
    plansOf(state, application)
      .map((plan) => ({ plan, run: state.runs.get(plan.id)! }))
      .filter(({ run }) => !finalPhases.has(run.phase) && run.phase !== 'RollingBack')

  /** The rollout that is still to bring an application to a cluster; of several in line, the first that lets go. */
  function findComing(application: string, cluster: string): Coming | undefined {
    const coming = activeOf(application).filter(({ plan, run }) => {
      const progress = run.clusters[cluster]
      if (!plan.targets[cluster] || !progress) return false
      return progress.state === 'Pending' || (progress.state === 'Done' && mayMove(progress))
    })
    return coming.find(({ plan }) => gives(plan.targets[cluster])) ?? coming.at(-1)
  }

  /** Whether Git asks still for what a rollout ended without: it comes once the cluster is back, or its veto over. */
  function isMissed(application: string, cluster: string): boolean {
    const last = plansOf(state, application).findLast(({ targets }) => targets[cluster])
    const run = last && state.runs.get(last.id)
    const progress = run?.clusters[cluster]
    if (!run || run.phase === 'RolledBack' || progress?.state !== 'Done') return false
    if (!mayMove(progress) || state.holds.has(application)) return false
    const desired = deps.desired(application, cluster)
    const has = state.assignments.get(cluster)?.get(application)?.digest
    return desired !== undefined && desired !== has
  }

  /** Of one that nothing is under way of. */
  function explainLater(application: string, cluster: string): string {
    const leavesAt = deps.leavesAt(application, cluster)
    if (leavesAt !== undefined) return ` when it is removed, at ${toTime(leavesAt)}`
    if (!isMissed(application, cluster)) return ''
    return isFree(application, cluster)
      ? ' by a rollout that is planned in a moment'
      : ': something holds it back there'
  }

  /** Whether an application that has not let go yet will, by what is under way or is to come. */
  const isToLetGo = (application: string, cluster: string): boolean =>
    findComing(application, cluster) !== undefined ||
    deps.leavesAt(application, cluster) !== undefined ||
    isMissed(application, cluster)

  /** Whether what another gives to a plan may be planned only now, in the same round. */
  const isEarly = ({ createdAt, trigger }: RolloutPlan): boolean =>
    trigger.kind !== 'api' && settledAt() < createdAt

  /** Applications that have on a cluster what a plan is to get there, and are still to let go of it. */
  function listHolders(plan: RolloutPlan, cluster: string, before = Infinity): string[] {
    const there = state.assignments.get(cluster)
    return Object.entries(plan.targets[cluster]?.from ?? {})
      .filter(([name, digest]) => {
        const has = there?.get(name)
        if (!has || has.digest === null || has.generation >= before) return false
        if (has.digest === digest) return true
        // What stood in line before what lets go came meanwhile.
        const by = state.plans.get(has.rollout)
        return by !== undefined && by.createdAt < plan.createdAt && !gives(by.targets[cluster])
      })
      .map(([name]) => name)
      .filter((name) => isEarly(plan) || isToLetGo(name, cluster))
  }

  /** What is assigned to a cluster and kept from it, until all that comes with it can be in one snapshot. */
  function findKept(cluster: string): ReadonlyMap<string, Kept> {
    const kept = new Map<string, Kept>()
    const offered = [...(state.assignments.get(cluster)?.values() ?? [])].flatMap((one) => {
      const plan = state.plans.get(one.rollout)
      const target = plan?.targets[cluster]
      if (!target?.from || target.digest !== one.digest) return []
      const progress = state.runs.get(one.rollout)?.clusters[cluster]
      return mayBeUnsent(progress) ? [{ ...one, plan: plan!, from: Object.keys(target.from) }] : []
    })
    // What comes with one that is kept is kept as well.
    for (let before = -1; before < kept.size;) {
      before = kept.size
      for (const { application, plan, from, generation } of offered) {
        if (kept.has(application)) continue
        const holders = listHolders(plan, cluster, generation)
        const first = holders[0] ?? from.find((name) => kept.has(name))
        if (first !== undefined) kept.set(application, { plan, holders, first })
      }
    }
    return kept
  }

  function listRunning(kept: Assignment, running: Running | undefined): Assignment | undefined {
    if (!running?.digest) return undefined
    const { cluster, application, rollout } = kept
    const targets = plansOf(state, application).flatMap(({ targets: all }) => all[cluster] ?? [])
    const known = [...targets.map(({ previous }) => previous), ...targets]
    const content = known.findLast((one) => one?.digest === running.digest)
    if (!content) return undefined
    const { generation } = running
    // Whether it was an undoing is not known; one deletes less.
    return { cluster, application, rollout, ...toContent(content), undo: true, generation }
  }

  /** Why an application could not be offered to a cluster now, but for what is to come there with it; null if it could. */
  function findHindrance({ plan, run }: Coming, cluster: string): string | null {
    const wave = plan.waves.findIndex(({ clusters }) => clusters.includes(cluster))
    const isOpen = wave < run.wave || (wave === run.wave && run.waveStartedAt !== null)
    if (run.phase === 'Planned') return 'it has not been started'
    if (run.phase !== 'Progressing') return `it is ${run.phase.toLowerCase()}`
    if (!isOpen) return `its wave ${plan.waves[wave]?.name} has not begun`
    if (run.clusters[cluster]?.state !== 'Pending') return 'it has passed the cluster over'
    if (findStop(plan, run.clusters)) return 'its failures stop it'
    if (countInFlight(run) >= plan.waves[run.wave]!.maxConcurrent) return 'its slots are taken'
    return isFree(plan.application, cluster) ? null : 'something holds it back there'
  }

  /**
   * The first application that keeps a plan from a cluster: one that has not let go of what it is to get
   * and could not do so now. All that come together have to be ready, also where some are on their way already:
   * or two such circles would each have what the other waits for.
   */
  function findObstacle(plan: RolloutPlan, cluster: string): string | undefined {
    const kept = findKept(cluster)
    const seen = new Set([plan.application])
    const judge = (one: RolloutPlan, holders: readonly string[]): string | undefined => {
      const from = Object.keys(one.targets[cluster]?.from ?? {})
      for (const name of new Set([...holders, ...from.filter((other) => kept.has(other))])) {
        if (seen.has(name)) continue
        seen.add(name)
        const offered = kept.get(name)
        const coming = offered ? undefined : findComing(name, cluster)
        if (!offered && !(coming && findHindrance(coming, cluster) === null)) return name
        const next = offered ?? { plan: coming!.plan, holders: listHolders(coming!.plan, cluster) }
        const further = judge(next.plan, next.holders)
        if (further !== undefined) return further
      }
      return undefined
    }
    return judge(plan, listHolders(plan, cluster))
  }

  /** By application: the clusters from which it was kept when it was looked at last. */
  const keptFrom = new Map<string, Set<string>>()
  function noteKept(application: string, cluster: string, isKept: boolean): void {
    const mine = keptFrom.get(application) ?? new Set()
    if (isKept) keptFrom.set(application, mine.add(cluster))
    else if (mine.delete(cluster)) deps.released(cluster)
    if (mine.size === 0) keptFrom.delete(application)
  }

  return {
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
          const coming = findComing(waits, cluster)
          const why = coming ? findHindrance(coming, cluster) : null
          const by = coming && `, by rollout ${coming.plan.id}${why === null ? '' : `: ${why}`}`
          return { until: null, reason: describe(waits, by ?? explainLater(waits, cluster)) }
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
    /**
     * What a cluster is assigned, but for what would find its objects with others that let go of them any moment:
     * of that what runs there, since what is not listed is healed, and kept from others, by no agent started anew.
     */
    listTogether(
      cluster: string,
      assignments: readonly Assignment[],
      runs: (application: string) => Running | undefined,
    ): readonly Assignment[] {
      const kept = findKept(cluster)
      if (kept.size === 0) return assignments
      return assignments.flatMap((one) =>
        kept.has(one.application) ? (listRunning(one, runs(one.application)) ?? []) : [one],
      )
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

/** Also of a cluster that went away meanwhile: back again it must not be sent one half alone. */
function mayBeUnsent(progress: ClusterProgress | undefined): boolean {
  if (progress?.state === 'Done') return mayMove(progress)
  return progress?.state === 'Offered' || progress?.state === 'Pending'
}

const nothing = { withheld: () => null, awaits: () => null }

function describe(application: string, how: string): string {
  return `application ${application}, which has still to let go of objects there${how}`
}

function toTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
