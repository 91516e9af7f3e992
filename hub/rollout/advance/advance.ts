import { HubError } from '../../errors.ts'
import type { Decision, Ledger } from '../../ledger/entry.ts'
import { plansOf } from '../../ledger/by-application.ts'
import { assignedBy, foldEntry, type LedgerState } from '../../ledger/replay.ts'
import { createAlarms } from './alarms.ts'
import { activeRollouts, admit, findFollower, isOutdated, makeWay } from '../decide/admission.ts'
import { type RunChange, toChange } from '../store/change.ts'
import { type ClockJumps, noJumps, tellJump } from './clock-jumps.ts'
import { toAssignments } from '../content.ts'
import { toHolds } from '../hold/hold.ts'
import { createMeasuring, type Measure } from '../measure/measuring.ts'
import { mayMove } from '../step/outcome.ts'
import { isTaking } from './listed.ts'
import { findProvenSince, goBackTo } from './proven-since.ts'
import { createSerial } from './serial.ts'
import {
  type Assignment,
  type ClusterObservation,
  finalPhases,
  type RolloutAction,
  type RolloutEvent,
  type RolloutPlan,
  type RolloutRun,
  type StepResult,
} from '../rollout.ts'
import { step } from '../step/step.ts'
import type { RolloutQuery, RolloutStore, StoredRollout, WakeUps } from '../store/store.ts'
import { isItsTurn } from './turn.ts'
import { explainWaiting } from '../step/waiting.ts'

/** What moving rollouts needs of the rest of the hub. */
export interface RolloutPorts {
  readonly ledger: Ledger
  /** What follows from the ledger so far; entries are folded in as they are appended. */
  readonly state: LedgerState
  readonly store: RolloutStore
  readonly wake: WakeUps
  /** What is known of these clusters; `since` is never older than the hub's own start. */
  observe(
    application: string,
    clusters: readonly string[],
  ): Promise<Readonly<Record<string, ClusterObservation>>>
  /** Makes clusters run this. Must be idempotent, and ignore a generation older than it has. */
  assign(assignments: readonly Assignment[]): Promise<void>
  /** Asks what gates want to know. */
  readonly measure: Measure
  /** Clusters of this application moved: others may wait for it. */
  readonly moved?: (application: string) => void
  readonly clock: () => number
  /** Milliseconds of a clock nobody sets; the other one where it is left out. */
  readonly monotonic?: () => number
  /** What is waited for goes on from where it was when the clock is set; left out, it is by the clock alone. */
  readonly jumps?: ClockJumps
  readonly log: (level: 'info' | 'warn', message: string, cause?: unknown) => void
  /** Milliseconds between looks at everything active, should a notice be lost; 5 s by default. */
  readonly sweepInterval?: number
}

export interface CreateOptions {
  /** False leaves it `Planned`, to be read and started by somebody. */
  readonly start: boolean
  /** Rolls held content out all the same. */
  readonly force?: boolean
  /** Git asks somewhere for what is on hold: that stays so, though other clusters get something else. */
  readonly isAskedStill?: boolean
}

export interface Rollouts {
  /** What follows from the ledger, kept current. Read only. */
  readonly state: LedgerState
  /** Takes a plan in; answers an active rollout that brings the same instead when there is one. */
  create(plan: RolloutPlan, options: CreateOptions): Promise<StoredRollout>
  /** With `version`, throws `conflict` unless the run is at that version when its turn comes. */
  act(
    id: string,
    action: RolloutAction,
    actor: string,
    reason: string,
    version?: number,
  ): Promise<StoredRollout>
  /** Something about this application changed on a cluster; cheap to call often. */
  notice(application: string): Promise<void>
  /**
   * Rebuilds store, assignments and wake-ups from what the ledger says, and begins to move. Before it
   * rollouts can be read, and nothing be done: whoever acts is told `not_ready`. A store that is away
   * is rebuilt when it is back.
   */
  restore(): Promise<void>
  get(id: string): Promise<StoredRollout | undefined>
  list(query: RolloutQuery): ReturnType<RolloutStore['list']>
  /** One sentence for each thing the rollout waits for. */
  waitingFor(id: string): Promise<readonly string[]>
  close(): Promise<void>
}

const defaultSweep = 5_000

/**
 * Moves rollouts. The order in every step: the ledger (durable), the store (compare and swap), the
 * effects, the wake-up. The ledger alone is the truth: whatever fails after it is owed and done by
 * the next sweep, and a store that lost everything is rebuilt from it.
 */
export function createRollouts(ports: RolloutPorts): Rollouts {
  const { ledger, state, store, wake, clock, log } = ports
  const serial = createSerial()
  /** Of steps that depend on how others stand. */
  const handovers = createSerial()
  let begun = false
  /** Rollouts whose store record, effects or wake-up did not get through. */
  const owed = new Set<string>()
  const alarms = createAlarms(wake, clock)
  const jumps = ports.jumps ?? noJumps(clock)
  const measuring = createMeasuring({
    measure: ports.measure,
    deliver: (id, event) => serial.run(applicationOf(id), () => move(id, event)),
    monotonic: ports.monotonic ?? clock,
  })
  let stopSweeping: (() => void) | undefined
  let sweeping = false

  const applicationOf = (id: string) => find(id).plan.application

  function find(id: string): StoredRollout {
    const plan = state.plans.get(id)
    const run = state.runs.get(id)
    if (!plan || !run) throw new HubError('not_found', `there is no rollout ${id}`)
    return { plan, run }
  }

  function needBegun(): void {
    if (!begun) throw new HubError('not_ready', 'the hub has just started; ask again')
  }

  async function decide(actor: string, decisions: readonly Decision[]): Promise<void> {
    for (const entry of await ledger.append(actor, decisions)) foldEntry(state, entry)
  }

  /** Whoever acts may bring back what was done with; else only what can still move is looked at. */
  function observe({ plan, run }: StoredRollout, all = false) {
    const clusters = Object.keys(plan.targets).filter((name) => all || mayMove(run.clusters[name]))
    return ports.observe(plan.application, clusters)
  }

  /** One step of one rollout. The caller holds the application. */
  async function move(id: string, event: RolloutEvent, actor = 'groundswell'): Promise<void> {
    const before = find(id)
    const { plan } = before
    if (event.kind !== 'action' && finalPhases.has(before.run.phase)) return
    const take = () => takeStep(before, event, actor)
    // Two that wait for each other would both take their last slots, on different clusters.
    const { result, change } = isTaking(plan) ? await handovers.run('', take) : await take()
    await settle(plan, result, change)
    measuring.want(plan, result.measurements)
    if (change?.clusters) ports.moved?.(plan.application)
  }

  async function takeStep(before: StoredRollout, event: RolloutEvent, actor: string) {
    const { run } = before
    const seen = await observe(before, event.kind === 'action')
    const isBeginning =
      event.kind === 'action' && event.action.kind === 'start' && run.startedAt === null
    const previous = isBeginning ? findProvenSince(state, before.plan) : undefined
    const plan = previous ? goBackTo(before.plan, previous) : before.plan
    const { now, setBy } = jumps.look(plan)
    const result = step(plan, run, event, seen, now, ledger.head + 1, setBy)
    const change = result.run === run ? undefined : toChange(run, result.run)
    if (change) {
      const told = setBy === 0 ? undefined : tellJump(setBy)
      const { cause, reason } = causeOf(event, result.run, told)
      await decide(actor, [
        {
          ...{ type: 'rollout.moved', rollout: run.id, cause, reason, change },
          ...(previous && { previous }),
        },
        ...toHolds(state, plan, result.effects, now),
      ])
    }
    jumps.tell(plan, setBy)
    return { result, change }
  }

  function perform(id: string, action: RolloutAction, actor: string, reason: string) {
    return move(id, { kind: 'action', action, actor, reason }, actor)
  }

  /** What follows a decision. It is durable by now, so nothing here may undo or fail it. */
  async function settle(plan: RolloutPlan, result: StepResult, change?: RunChange): Promise<void> {
    const { run } = result
    try {
      if (change && (await store.swap(plan, run, change)) !== 'done') {
        await store.put({ plan, run })
      }
      const assigned = toAssignments(plan, result.effects)
      if (assigned.length > 0) await ports.assign(assigned)
      await alarms.set(run, result.recheckAt)
    } catch (error) {
      owed.add(run.id)
      log('warn', `rollout ${run.id} moved, but not all of it got through; it will`, error)
    }
    if (finalPhases.has(run.phase)) await startQueued(plan.application)
  }

  /** Starts the rollout that waited for this application to be free. */
  async function startQueued(application: string): Promise<void> {
    const active = activeRollouts(state, application)
    if (active.some((id) => state.runs.get(id)!.phase !== 'Planned')) return
    const next = newestOf(application)
    if (next === undefined || !active.includes(next)) return
    const plan = state.plans.get(next)!
    if (plan.supersede !== 'queue' || plan.trigger.kind === 'api') return
    // It waits for a person, not for its turn.
    if (plan.starts !== true) return
    await startWaiting(plan, 'groundswell', 'the rollout before it has ended')
  }

  /** What it was to go on with may be taken back: then all that is due is planned anew. */
  async function startWaiting(plan: RolloutPlan, actor: string, reason: string): Promise<void> {
    if (!isOutdated(state, plan)) return perform(plan.id, { kind: 'start' }, actor, reason)
    const why = 'the rollout before it was aborted or rolled back'
    await perform(plan.id, { kind: 'supersede', by: 'groundswell' }, 'groundswell', why)
  }

  function newestOf(application: string): string | undefined {
    return plansOf(state, application).at(-1)?.id
  }

  /**
   * Ends what a hub that died had begun: of rollouts that are only planned, the newest takes the place of the
   * others, and is started when that was to follow. The caller holds the application.
   */
  async function startDue(id: string): Promise<void> {
    const { plan, run } = find(id)
    if (run.phase !== 'Planned') return
    const { actor, reason } = plan.trigger
    const newest = newestOf(plan.application)
    if (newest !== undefined && newest !== id) return supersede(id, newest, actor)
    const others = activeRollouts(state, plan.application).filter((other) => other !== id)
    for (const other of others) {
      if (state.runs.get(other)!.startedAt === null) await supersede(other, id, actor)
    }
    if (!isItsTurn(state, plan)) return
    for (const other of makeWay(state, plan, { kind: 'start' })) await supersede(other, id, actor)
    if (find(id).run.phase === 'Planned') await startWaiting(plan, actor, reason)
  }

  function supersede(id: string, by: string, actor: string): Promise<void> {
    return perform(id, { kind: 'supersede', by }, actor, `rollout ${by} takes its place`)
  }

  async function tick(id: string): Promise<void> {
    const run = state.runs.get(id)
    if (!run || finalPhases.has(run.phase)) {
      await alarms.clear(id)
      return
    }
    await serial.run(applicationOf(id), async () => {
      alarms.rearm(id)
      await move(id, { kind: 'observe' })
    })
  }

  /** Tells store, clusters and alarm clock what a rollout is, whatever they were told before. */
  async function repeat(id: string): Promise<void> {
    const { plan, run } = find(id)
    await store.put({ plan, run })
    const assigned = Object.entries(run.clusters).flatMap(([cluster, progress]) => {
      const assignment = assignedBy(plan, cluster, progress)
      const newest = state.assignments.get(cluster)?.get(plan.application)
      return assignment && newest?.rollout === id ? [newest] : []
    })
    if (assigned.length > 0) await ports.assign(assigned)
    alarms.rearm(id)
    owed.delete(id)
    await move(id, { kind: 'observe' })
  }

  async function restoreAll(): Promise<void> {
    for (const [id, run] of state.runs) await store.put({ plan: state.plans.get(id)!, run })
    const all = [...state.assignments.values()].flatMap((mine) => [...mine.values()])
    if (all.length > 0) await ports.assign(all)
    for (const [id, run] of state.runs) {
      if (finalPhases.has(run.phase)) continue
      await serial.run(applicationOf(id), () => repeat(id))
    }
    await store.mark()
  }

  async function sweep(): Promise<void> {
    if (sweeping) return
    sweeping = true
    try {
      if (!(await store.isMarked())) {
        log('warn', 'the store has lost its rollouts; they are rebuilt from the ledger')
        await restoreAll()
        return
      }
      for (const id of [...owed]) await serial.run(applicationOf(id), () => repeat(id))
      for (const [id, run] of state.runs) {
        if (finalPhases.has(run.phase)) continue
        if (run.phase === 'Planned') {
          if (state.plans.get(id)?.starts) await serial.run(applicationOf(id), () => startDue(id))
          continue
        }
        await serial.coalesce(applicationOf(id), () => move(id, { kind: 'observe' }))
      }
    } catch (error) {
      log('warn', 'not all rollouts could be looked at; they will be', error)
    } finally {
      sweeping = false
    }
  }

  return {
    state,
    async create(plan, { start, force = false, isAskedStill = false }) {
      needBegun()
      return serial.run(plan.application, async () => {
        const verdict = admit(state, plan, { start, force, isAskedStill })
        if (verdict.existing !== null) return find(verdict.existing)
        const { actor, reason } = plan.trigger
        if (verdict.releases !== null) {
          const { application } = plan
          await decide(actor, [{ type: 'hold.released', application, reason: verdict.releases }])
        }
        const written = start ? { ...plan, starts: true as const } : plan
        await decide(actor, [{ type: 'rollout.created', plan: written }])
        for (const id of verdict.supersedes) await supersede(id, plan.id, actor)
        await store.put(find(plan.id)).catch((error: unknown) => {
          owed.add(plan.id)
          log('warn', `rollout ${plan.id} is not in the store yet`, error)
        })
        if (start && !verdict.queued && find(plan.id).run.phase === 'Planned') {
          await perform(plan.id, { kind: 'start' }, actor, reason)
        }
        return find(plan.id)
      })
    },
    async act(id, action, actor, reason, version) {
      needBegun()
      return serial.run(applicationOf(id), async () => {
        const { run } = find(id)
        if (version !== undefined && run.version !== version) {
          throw new HubError('conflict', `it is at version ${run.version}, not ${version}`)
        }
        const follower = findFollower(state, find(id), action)
        if (follower !== undefined) {
          await supersede(id, follower, actor)
          await perform(follower, { kind: 'start' }, actor, reason)
          return find(follower)
        }
        for (const other of makeWay(state, find(id).plan, action)) await supersede(other, id, actor)
        await perform(id, action, actor, reason)
        return find(id)
      })
    },
    async notice(application) {
      // All are looked at as they are restored.
      if (!begun) return
      return serial.coalesce(application, async () => {
        for (const id of activeRollouts(state, application)) {
          await move(id, { kind: 'observe' })
        }
      })
    },
    async restore() {
      begun = true
      if (stopSweeping === undefined) {
        wake.listen(tick)
        stopSweeping = wake.repeat(ports.sweepInterval ?? defaultSweep, () => void sweep())
      }
      try {
        await restoreAll()
      } catch (error) {
        log('warn', 'the store cannot be rebuilt yet; it will be', error)
      }
    },
    async get(id) {
      const plan = state.plans.get(id)
      const run = state.runs.get(id)
      // One that ended long ago is in the store only.
      return plan && run ? { plan, run } : store.get(id)
    },
    list: (query) => store.list(query),
    async waitingFor(id) {
      const rollout = find(id)
      return explainWaiting(rollout.plan, rollout.run, await observe(rollout, true), clock())
    },
    async close() {
      stopSweeping?.()
      await measuring.close()
      await serial.settle()
    },
  }
}

function causeOf(event: RolloutEvent, { message }: RolloutRun, jump: string | undefined) {
  if (event.kind === 'action') return { cause: event.action.kind, reason: event.reason }
  if (jump === undefined) return { cause: event.kind, reason: message }
  return { cause: 'clockSet', reason: jump }
}
