import type { Digest } from '@groundswell/proto/digest.ts'
import type { Fault } from '../../../../hub/errors.ts'
import type { LedgerEntry } from '../../../../hub/ledger/entry.ts'
import { emptyState, foldEntry } from '../../../../hub/ledger/replay.ts'
import type { Contents } from '../../../../hub/render/contents.ts'
import { finalPhases, type RolloutPlan, type RolloutRun } from '../../../../hub/rollout/rollout.ts'
import { type Application, type Cluster, type Git, isShut } from './several-git.ts'
import { createLeavingJudge } from './several-leaving.ts'
import { createTakenBack } from './several-taken-back.ts'

/* What holds over several applications in one hub, said anew from the documentation and looked for in every line of
   the ledger as it is written; what holds within one rollout is in test/support/ledger-oracle.ts.

   - Nothing is offered in a freeze or outside of a window, nor before Git was read, nor to who is suspended.
   - A dependent is offered nothing on a cluster where what it waits for is still to come or has failed.
   - What a person paused moves by a person's word only, and so does what Git asks beside it.
   - What was aborted comes to no cluster again, what was rolled back to none at all, before Git asked for something
     else or a person says so.
   - By a person's word about one application nothing is decided of another; more than half of all are not removed.
   - Nobody gets what a canary before them is to have and has not proven. */

/** What a person does, and with which rollout. */
interface Act {
  readonly application: string
  readonly id: string
  readonly kind: string
}

export function createJudge({ git }: { readonly git: () => Git }) {
  const state = emptyState()
  const found: string[] = []
  let act: Act | undefined
  let contents: Contents | undefined
  /** What clusters had of its application before the entry in hand. */
  let had: ReadonlyMap<string, Digest | null> = new Map()
  /** Rollouts that a person paused and nobody had go on. */
  const paused = new Set<string>()
  /** By application, cluster and content: whom a person passed over, so that others wait for it no more. */
  const skipped = new Set<string>()
  /** Rollouts that move by a person's word: what they bring was asked for. */
  const blessed = new Set<string>()
  /** Of this round: what was offered in it. */
  const planned = new Set<string>()
  let offered: { application: string; cluster: string }[] = []

  const takenBack = createTakenBack({
    state,
    isDeclared: (application) => specOf(application) !== undefined,
  })

  const leaving = createLeavingJudge({
    ...{ git, state },
    isByPerson: (id) => act !== undefined || blessed.has(id),
    fail: (words) => void found.push(`entry ${state.head}: ${words}`),
  })

  const fail = (entry: LedgerEntry, words: string): void => {
    found.push(`entry ${entry.index}: ${words}`)
  }
  const specOf = (application: string) => git().declared[application as Application]
  const desiredOf = (application: string, cluster: string): Digest | null | undefined => {
    const made = contents?.applications.get(application)
    if (made) return made.get(cluster)?.digest ?? null
    return specOf(application) ? undefined : null
  }

  function judgeStart(entry: LedgerEntry, plan: RolloutPlan): void {
    const { application, targets } = plan
    if (act?.application === application) {
      blessed.add(plan.id)
      return
    }
    for (const id of paused) {
      const other = state.plans.get(id)!
      if (other.application !== application) continue
      const phase = state.runs.get(id)!.phase
      const shared = Object.keys(targets).filter(
        (name) => other.targets[name]?.digest === targets[name]!.digest,
      )
      if (id === plan.id) fail(entry, `${id} was to wait for a person`)
      else if (shared.length > 0 && !finalPhases.has(phase)) {
        fail(entry, `${plan.id} began with ${shared.join()} of ${id}, which a person paused`)
      }
    }
    const isGone = !specOf(application)
    const running = [...state.assignedTo].filter(([, mine]) =>
      [...mine.values()].some(({ digest }) => digest !== null),
    )
    const gone = running.filter(([name]) => !specOf(name))
    if (isGone && contents && gone.length > 1 && gone.length * 2 > running.length) {
      const isNew = state.runs.get(plan.id)!.wave === 0
      if (isNew) fail(entry, `${plan.id} removes ${gone.length} of ${running.length} applications`)
    }
  }

  function judgePaused(
    entry: LedgerEntry,
    plan: RolloutPlan,
    before: RolloutRun,
    after: RolloutRun,
  ): void {
    const { id, application } = plan
    const isAct = act?.application === application
    if (isAct && act!.kind === 'pause' && after.phase === 'Paused') paused.add(id)
    if (!paused.has(id)) return
    const isMoved = before.phase !== after.phase
    if (!isMoved) return
    if (isAct && !['promote', 'approve', 'skip'].includes(act!.kind)) {
      if (after.phase !== 'Paused') paused.delete(id)
      return
    }
    if (after.phase !== 'Superseded') {
      fail(entry, `${id} was paused by a person and is ${after.phase}`)
      return
    }
    const by = /^superseded by rollout (.*)$/.exec(after.message)?.[1]
    const successor = by === undefined ? undefined : state.plans.get(by)
    if (!successor) {
      paused.delete(id)
      return
    }
    const shared = Object.keys(successor.targets).some(
      (name) => plan.targets[name]?.digest === successor.targets[name]!.digest,
    )
    paused.delete(id)
    // It takes over that it was paused.
    if (shared) paused.add(successor.id)
    if (shared && state.runs.get(successor.id)!.startedAt !== null && !blessed.has(successor.id)) {
      fail(entry, `${id} was paused by a person, and ${successor.id} goes on with it`)
    }
  }

  function explainFirst(application: string, cluster: string): string | undefined {
    for (const first of specOf(application)?.dependsOn ?? []) {
      const declared = specOf(first)
      if (!declared || declared.excluded.includes(cluster as Cluster)) continue
      const mine = [...(state.rolloutsOf.get(first) ?? [])]
        .map((id) => ({ plan: state.plans.get(id)!, run: state.runs.get(id)! }))
        .filter(({ plan }) => plan.targets[cluster])
      const active = mine.find(({ run }) => {
        const progress = run.clusters[cluster]
        return (
          !finalPhases.has(run.phase) &&
          progress?.state !== 'Done' &&
          progress?.state !== 'Reverted'
        )
      })
      if (active) return `${first} is still to come by ${active.plan.id}`
      const last = mine.findLast(
        ({ run }) => run.phase !== 'Superseded' || run.clusters[cluster]?.state === 'Done',
      )
      const progress = last?.run.clusters[cluster]
      if (
        progress?.state === 'Done' &&
        (progress.outcome === 'Failed' || progress.outcome === 'TimedOut')
      ) {
        return `${first} failed there`
      }
      const has = state.assignments.get(cluster)?.get(first)
      if (!has?.digest) return `${first} is not there`
    }
    return undefined
  }

  /** Whether objects pass between applications on a cluster: then who waits for whom is another matter. */
  function isHandedOn(cluster: string): boolean {
    return [...state.plans.values()].some(({ targets }) => targets[cluster]?.from)
  }

  function judgeOffer(entry: LedgerEntry, plan: RolloutPlan, cluster: string): void {
    const { application, id } = plan
    const { digest } = plan.targets[cluster]!
    const what = `${id} offers ${application} to ${cluster}`
    // What was on its way comes after what was there before.
    if (planned.has(id)) offered.push({ application, cluster })
    if (!contents) return fail(entry, `${what} before Git was read`)
    if (isShut(git(), application as Application, cluster as Cluster, entry.at))
      fail(entry, `${what} while it is frozen`)
    if (git().suspended.includes(cluster as Cluster)) fail(entry, `${what}, which is suspended`)
    const first = explainFirst(application, cluster)
    // Where Git places it no more it waits for nothing: it is to go there.
    const isPlaced = specOf(application)?.excluded.includes(cluster as Cluster) === false
    if (digest && isPlaced && first && !isHandedOn(cluster)) fail(entry, `${what} though ${first}`)
    if (blessed.has(id)) return
    const isNew = had.get(cluster) !== digest
    if (isNew && takenBack.isAborted(application, cluster, digest))
      fail(entry, `${what} though that was aborted there`)
    const by = takenBack.findRolledBack(application, digest)
    if (by !== undefined) fail(entry, `${what} though ${by} was rolled back`)
    judgeCanaries(entry, plan, cluster, what)
  }

  function judgeCanaries(
    entry: LedgerEntry,
    plan: RolloutPlan,
    cluster: string,
    what: string,
  ): void {
    const { application, targets } = plan
    const { digest } = targets[cluster]!
    if (digest === null) return
    const strategy = specOf(application)?.strategy
    if (!strategy || strategy.waves.some(({ count }) => count !== undefined)) return
    const waveOf = (name: string): number =>
      strategy.waves.findIndex(({ selector, clusterGroup, clusters }) => {
        const ring = git().second.includes(name as Cluster) ? 'two' : 'one'
        if (clusters) return clusters.includes(name)
        if (clusterGroup !== undefined) return clusterGroup === `${ring}s`
        return (
          selector?.matchLabels?.['ring'] === undefined || selector.matchLabels['ring'] === ring
        )
      })
    const mine = waveOf(cluster)
    for (const [name, has] of state.assignedTo.get(application) ?? []) {
      const at = waveOf(name)
      if (at < 0 || at >= mine || targets[name]) continue
      if (has.digest !== digest || desiredOf(application, name) !== digest) continue
      if (git().suspended.includes(name as Cluster)) continue
      const ids = [...(state.rolloutsOf.get(application) ?? [])]
      // One that was rolled back since has given back what another had brought.
      const id = ids
        .slice(0, ids.indexOf(has.rollout) + 1)
        .findLast(
          (one) =>
            state.plans.get(one)!.targets[name]?.digest === digest &&
            state.runs.get(one)!.clusters[name]?.generation,
        )
      if (id === undefined) continue
      const [by, run] = [state.plans.get(id)!, state.runs.get(id)!]
      const progress = run.clusters[name]!
      if (skipped.has(`${application} ${name} ${digest}`)) continue
      const index = by.waves.findIndex(({ clusters }) => clusters.includes(name))
      const isPast = run.wave > index || run.phase === 'Succeeded' || run.phase === 'Failed'
      const isGood = progress.state === 'Done' && progress.outcome === 'Succeeded'
      if (isPast || (isGood && by.waves[index]!.after.length === 0)) continue
      fail(
        entry,
        `${what} what ${name} before it has from ${by.id} and has not proven (${run.phase}, ${progress.state})`,
      )
    }
  }

  function judgeMove(
    entry: LedgerEntry,
    plan: RolloutPlan,
    before: RolloutRun,
    after: RolloutRun,
  ): void {
    const { application, id } = plan
    if (
      act &&
      entry.actor !== 'groundswell' &&
      entry.actor !== 'git' &&
      act.application !== application
    ) {
      fail(
        entry,
        `${id} of ${application} moves by what ${entry.actor} did with ${act.application}`,
      )
    }
    if (
      act?.application === application &&
      act.id === id &&
      ['resume', 'retry', 'promote', 'start'].includes(act.kind)
    ) {
      blessed.add(id)
    }
    judgePaused(entry, plan, before, after)
    if (before.startedAt === null && after.startedAt !== null) {
      judgeStart(entry, plan)
      const early = offered.find(
        (one) =>
          plan.targets[one.cluster]?.digest &&
          !isHandedOn(one.cluster) &&
          specOf(one.application)?.dependsOn.includes(application as Application),
      )
      if (early && !act) {
        fail(
          entry,
          `${early.application} was offered to ${early.cluster} before ${id} of ${application} was begun`,
        )
      }
    }
    if (after.phase === 'Aborted' && before.phase !== 'Aborted') {
      takenBack.noteAborted(plan, before)
      blessed.delete(id)
    }
    if (after.phase === 'RollingBack' || after.phase === 'RolledBack') {
      if (before.phase !== 'RollingBack' && before.phase !== after.phase) {
        takenBack.noteRolledBack(plan)
        blessed.delete(id)
      }
    }
    for (const [name, progress] of Object.entries(after.clusters)) {
      const isPassedOver = progress.state === 'Done' && progress.outcome === 'Skipped'
      const about = `${application} ${name} ${plan.targets[name]!.digest}`
      if (isPassedOver && act?.id === id && act.kind === 'skip') skipped.add(about)
      if (progress.state !== 'Offered' && progress.state !== 'Soaking') continue
      const was = before.clusters[name]
      if (was && 'generation' in was && was.generation === progress.generation) continue
      skipped.delete(about)
      judgeOffer(entry, plan, name)
    }
  }

  /** What Git asks for is removed by nothing that only waits to come to it, in line or not. */
  function judgeRemovals(id: string): void {
    const { application, targets } = state.plans.get(id)!
    for (const [name, progress] of Object.entries(state.runs.get(id)!.clusters)) {
      if (progress.state !== 'Pending' || targets[name]!.digest !== null) continue
      if (git().suspended.includes(name as Cluster)) continue
      if (desiredOf(application, name)) found.push(`${id} is to remove what Git asks of ${name}`)
    }
  }

  return {
    found,
    get head() {
      return state.head
    },
    note(entry: LedgerEntry): void {
      const { decision } = entry
      const id = decision.type === 'rollout.moved' ? decision.rollout : ''
      const [plan, before] = [state.plans.get(id), state.runs.get(id)]
      had = new Map(
        [...(state.assignedTo.get(plan?.application ?? '') ?? [])].map(([name, one]) => [
          name,
          one.digest,
        ]),
      )
      foldEntry(state, entry)
      if (decision.type === 'rollout.created') {
        const { plan: made } = decision
        planned.add(made.id)
        if (act?.application === made.application) blessed.add(made.id)
        // What takes its place later goes on with what a person has started again.
        if (made.trigger.kind === 'api') takenBack.forgetAborted(made)
        if (
          made.behind !== undefined &&
          paused.has(made.behind) &&
          act?.application !== made.application
        ) {
          if (made.starts)
            fail(entry, `${made.id} starts behind ${made.behind}, which a person paused`)
        }
      }
      // By a person who forced what was on hold.
      if (decision.type === 'hold.released' && act) takenBack.release(decision.application)
      if (plan && before) judgeMove(entry, plan, before, state.runs.get(id)!)
      if (plan && before) leaving.judgeMove(plan, before, state.runs.get(id)!)
      if (contents) takenBack.forgetTakenAway(contents)
    },
    beginRound(given: Contents): void {
      contents = given
      offered = []
      leaving.beginRound()
      planned.clear()
      takenBack.forget(given)
    },
    /** All that is known was acted on: nothing is under way any more that Git has moved away from. */
    judgeRest(faults: readonly Fault[]): void {
      const told = new Set(faults.map(({ object }) => object))
      for (const { id, application, targets, supersede, trigger } of state.plans.values()) {
        const { phase, clusters } = state.runs.get(id)!
        if (phase === 'Progressing' && !blessed.has(id)) judgeRemovals(id)
        const isFree = supersede === 'replace' && trigger.kind !== 'api' && !blessed.has(id)
        // What is in line says it, and comes after it.
        if ([...state.rolloutsOf.get(application)!].at(-1) !== id) continue
        if (phase !== 'Progressing' || !isFree || told.has(`Application ${application}`)) continue
        for (const [name, { digest }] of Object.entries(targets)) {
          const wanted = desiredOf(application, name)
          const isGiven = !git().suspended.includes(name as Cluster)
          if (clusters[name]?.state !== 'Pending' || !isGiven || wanted === undefined) continue
          if (digest !== null && wanted !== null && wanted !== digest)
            found.push(`${id} is still to bring ${name} what Git asks no more`)
        }
      }
    },
    beginAct(application: string, id: string, kind: string): void {
      act = { application, id, kind }
    },
    endAct(): void {
      act = undefined
    },
    release(application: string): void {
      takenBack.release(application)
    },
    reopened(): void {
      contents = undefined
    },
  }
}
