import { type Fault, faultsAbout, HubError } from '../../errors.ts'
import { orderByDependencies } from '../../fleet/resolve/dependents.ts'
import type { Fleet } from '../../fleet/fleet.ts'
import { findNewer } from '../../ledger/accepted.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { Contents } from '../../render/contents.ts'
import { activeRollouts } from './admission.ts'
import { type Asked, type AskingDeps, createAsking } from './asking.ts'
import type { CreateOptions, Rollouts } from '../advance/advance.ts'
import { judgeBehind } from './behind.ts'
import { createBeginOrder, type Turn } from './begin-order.ts'
import { isWithin } from './changes.ts'
import { createLastDeclared } from '../removal/last-declared.ts'
import { listLeavingBefore, orderLeaving } from '../removal/leaving-order.ts'
import { findLeftOut, isFilled, type LeftOut } from './left-out.ts'
import { isHeldAsked } from '../hold/hold.ts'
import { listOver } from '../hold/hold-end.ts'
import { isGiving, listAssigned, listOnce, listTakenBack, listUnwanted } from '../advance/listed.ts'
import { createMakePlan, type MakePlanDeps, type Planned } from '../plan/make-plan.ts'
import { explainHeldRemovals, explainUnstarted } from '../removal/mass-removal.ts'
import type { RolloutPlan } from '../rollout.ts'
import { deletesOthers } from './to-come.ts'
import { createSparing, type Look, lookAway, type SparingDeps } from '../removal/sparing.ts'

export interface DecideDeps extends AskingDeps, SparingDeps, MakePlanDeps {
  readonly state: LedgerState
  readonly rollouts: Pick<Rollouts, 'create' | 'act'>
}

/** One look at what Git asks. */
interface Round extends Asked {
  readonly look: Pick<Look, 'spare' | 'isAwaited' | 'findGivers' | 'listBrokenBeside'>
}

const gaveAway = 'Git gives to others what it would delete'

/** Contents × what clusters are assigned → rollouts. Faults are returned, never thrown. */
export function createDeciding(deps: DecideDeps) {
  const { state, rollouts } = deps
  let settledAt = -Infinity
  const sparing = createSparing(deps)
  const last = createLastDeclared(state)
  const makePlan = createMakePlan(deps, last)
  const { find, listGoing, ...asking } = createAsking(deps)

  async function decide(fleet: Fleet, contents: Contents): Promise<Fault[]> {
    const faults = await endTakenBack(fleet)
    const assigned = listAssigned(state)
    const gone = orderLeaving(last.dependsOn, fleet, assigned)
    const newer = findNewer(state, fleet.revision)
    const [total, at] = [assigned.length, fleet.revision]
    const held = explainHeldRemovals({ gone: gone.length, total, at, newer })
    if (held !== undefined) faults.push({ message: held })
    const look = sparing.look(fleet, contents)
    const round = { fleet, contents, look }
    const due = orderByDependencies(fleet, contents.applications.keys())
    const order = createBeginOrder(fleet, (name) =>
      listLeavingBefore(state, last.dependsOn, fleet.applications, name),
    )
    const attempt = async (application: string, run: () => Promise<Fault | undefined>) => {
      try {
        const fault = await run()
        if (fault) faults.push(fault)
      } catch (error) {
        faults.push(...faultsAbout(error, `Application ${application}`))
      }
    }
    // First what would come, and Git asks for no more, as others let go; then what others wait for: they find it under way.
    for (const application of [...listUnwanted(state, fleet, assigned), ...due, ...gone]) {
      const start = held === undefined || !gone.includes(application)
      await attempt(application, () =>
        decideOne(round, application, start, order.turnOf(application, attempt)),
      )
      const awaited = look.explainAwaited(application, listGoing(round, application))
      if (awaited) faults.push(awaited)
    }
    await order.beginRest()
    if (held === undefined) {
      for (const application of listOnce(state, fleet)) {
        await attempt(application, () => asking.noteOverruled(round, application))
      }
    }
    // A host that is behind decides nothing.
    if (newer === undefined) {
      for (const [application, reason] of listOver(state, fleet, contents)) {
        const release = { type: 'hold.released', application, reason } as const
        await attempt(application, () => deps.record(release).then(() => undefined))
      }
    }
    settledAt = deps.clock()
    return faults
  }

  /** What takes away an application that Git declares again waits for no render to be ended. */
  async function endTakenBack(fleet: Fleet): Promise<Fault[]> {
    const faults: Fault[] = []
    last.note(fleet)
    for (const id of listTakenBack(state, fleet)) {
      const about = `Application ${state.plans.get(id)!.application}`
      await withdraw(id, 'Git declares the application again').catch(
        (error: unknown) => void faults.push(...faultsAbout(error, about)),
      )
    }
    return faults
  }

  async function decideOne(
    round: Round,
    application: string,
    start: boolean,
    turn: Turn,
  ): Promise<Fault | undefined> {
    const { contents } = round
    const change = find(round, application, false)
    if (start) await asking.noteOverruled(round, application)
    switch (change.kind) {
      case 'none':
        return undefined
      case 'later': {
        await goOnBehind(change.rollout)
        const isPlanned = state.runs.get(change.rollout)?.phase === 'Planned'
        const spares = await findSparing(round, application, change.rollout)
        const plan = state.plans.get(change.rollout)
        if (isPlanned && plan?.leftOut !== undefined) {
          const anew = find(round, application, false, true)
          if (anew.kind === 'withdraw') return withdraw(anew.rollout)
          if (anew.kind !== 'rollout') return undefined
          const isFree = isFilled(plan, anew.targets, round.fleet)
          const still = isFree ? undefined : lookForLeftOut(round, plan)
          // Somebody may have taken back what it was to go on with.
          if (still && !spares && isWithin(plan.targets, anew.targets)) return still.fault
          return roll(round, application, anew, start, turn)
        }
        // Whoever deletes much at once is told of all of it together.
        if (!spares) return start ? explainUnstarted(state, change.rollout) : undefined
        if (spares.paused === change.rollout) return putInPlace(round, application, spares)
        const { behind, starts } = plan!
        const made = await makePlan(round, application, spares, 'git')
        if (isGiving(made)) await turn.beginFirsts()
        const isAsked = isHeldAsked(state, application, contents)
        const fault = await put(made, isPlanned ? starts === true : start, { behind }, isAsked)
        // What takes its place waits for a person, and it would go on meanwhile.
        if (!isPlanned && !start) await withdraw(change.rollout, gaveAway)
        return fault
      }
      case 'withdraw':
        return withdraw(change.rollout)
      case 'emptySelection':
        return {
          object: `Application ${application}`,
          message: `its targets select no cluster, but it runs on ${change.clusters}; nothing is removed. Delete the Application to remove it`,
        }
      case 'rollout':
        return roll(round, application, change, start, turn)
      default:
        return change satisfies never
    }
  }

  async function roll(
    round: Round,
    application: string,
    change: Planned,
    start: boolean,
    turn: Turn,
  ): Promise<Fault | undefined> {
    const made = await makePlan(round, application, change, 'git')
    const leftOut = lookForLeftOut(round, made)
    const plan = leftOut ? { ...made, leftOut: leftOut.wave } : made
    const isAsked = () => isHeldAsked(state, application, round.contents)
    const begin = async () => {
      const starts = start && !leftOut && change.unstarted === undefined
      // What is left out follows nothing that goes on: it would go without that wave.
      const fault = await put(plan, starts, leftOut ? {} : change, isAsked())
      if (!starts && change.saves !== undefined) await withdraw(change.saves)
      return leftOut?.fault ?? fault
    }
    if (isGiving(plan)) return turn.beginFirsts().then(begin)
    turn.defer(begin)
    return undefined
  }

  function lookForLeftOut({ fleet, contents }: Round, plan: RolloutPlan): LeftOut | undefined {
    return findLeftOut(plan, fleet, contents, state)
  }

  async function put(
    plan: RolloutPlan,
    start: boolean,
    { paused, behind }: { readonly paused?: string; readonly behind?: string | undefined },
    isAsked: boolean,
  ): Promise<Fault | undefined> {
    // One that waits in line takes nobody's place.
    const waits = paused !== undefined && plan.supersede !== 'queue'
    const before = waits ? paused : behind
    const made = before === undefined ? plan : { ...plan, behind: before }
    await rollouts.create(made, { start: start && !waits, isAskedStill: isAsked })
    return waits
      ? {
          object: `Application ${plan.application}`,
          message: `rollout ${paused} was paused by a person, and Git asks for a part of it still; what Git asks now is planned and waits: \`swell rollout begin ${plan.id}\`, or resume the one that is paused`,
        }
      : undefined
  }

  /** What a person paused must not be resumed any more; nor does anything move before a person says so. */
  async function putInPlace(round: Round, application: string, change: Planned): Promise<Fault> {
    const plan = await makePlan(round, application, change, 'git')
    await rollouts.create(plan, { start: false })
    const was = change.paused!
    await rollouts.act(was, { kind: 'supersede', by: plan.id }, 'git', gaveAway)
    return {
      object: `Application ${application}`,
      message: `rollout ${was}, which a person paused, would delete what Git has given to another application since; what leaves that is planned in its place and waits: \`swell rollout begin ${plan.id}\``,
    }
  }

  /** In place of a rollout that would delete, where it has not come to yet, what Git has given to others since. */
  async function findSparing(
    round: Round,
    application: string,
    id: string,
  ): Promise<Planned | undefined> {
    const [plan, run] = [state.plans.get(id), state.runs.get(id)]
    if (!plan || !run || run.phase === 'RollingBack') return undefined
    if (!(await deletesOthers(round.look, plan, run))) return undefined
    const change = find(round, application, false, true)
    if (change.kind === 'withdraw') await withdraw(change.rollout)
    return change.kind === 'rollout' ? change : undefined
  }

  async function goOnBehind(id: string): Promise<void> {
    const before = `rollout ${state.plans.get(id)?.behind}`
    const verdict = judgeBehind(state, id)
    if (verdict === 'start') await rollouts.act(id, { kind: 'start' }, 'git', `${before} went on`)
    if (verdict !== 'planAnew') return
    const why = `${before} was aborted or rolled back`
    await rollouts.act(id, { kind: 'supersede', by: 'groundswell' }, 'groundswell', why)
  }

  async function withdraw(id: string, why = 'Git asks for what runs already'): Promise<undefined> {
    await rollouts.act(id, { kind: 'supersede', by: 'git' }, 'git', why)
  }

  return {
    decide,
    endTakenBack,
    last,
    /** When all that Git asked had been decided on last, in milliseconds. */
    settledAt: (): number => settledAt,
    leavesAt: asking.leavesAt,
    warnings: asking.warnings,
    /** What would roll out now, by a person's word: what failed before is in it again. */
    async plan(
      fleet: Fleet,
      contents: Contents,
      application: string,
      by: string,
      reason: string,
    ): Promise<RolloutPlan | null> {
      const failed = contents.faults.filter(({ object }) => object === `Application ${application}`)
      if (fleet.applications.has(application) && !contents.applications.has(application)) {
        throw new HubError('render_failed', `${application} cannot be rendered`, { faults: failed })
      }
      const round = { fleet, contents, look: sparing.look(fleet, contents) }
      const change = find(round, application, true)
      return change.kind === 'rollout' ? makePlan(round, application, change, by, reason) : null
    },
    /** How it would roll out: of contents that are not stored nobody can tell what is left of them. */
    async outline(
      fleet: Fleet,
      contents: Contents,
      application: string,
    ): Promise<RolloutPlan | null> {
      if (fleet.applications.has(application) && !contents.applications.has(application))
        return null
      const round = { fleet, contents, look: lookAway }
      const found = find(round, application, true)
      return found.kind === 'rollout' ? makePlan(round, application, found, 'git') : null
    },
    create: (plan: RolloutPlan, options: CreateOptions) => rollouts.create(plan, options),
    active: (application: string) => activeRollouts(state, application),
  }
}

export type Deciding = ReturnType<typeof createDeciding>
