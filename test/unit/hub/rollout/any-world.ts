import assert from 'node:assert/strict'
import { HubError } from '../../../../hub/errors.ts'
import { assignedBy } from '../../../../hub/ledger/replay.ts'
import { applyChange, toChange } from '../../../../hub/rollout/store/change.ts'
import { toContent } from '../../../../hub/rollout/content.ts'
import { type GateAnswer, wholeWave } from '../../../../hub/rollout/gate/gate-state.ts'
import { createRun } from '../../../../hub/rollout/plan/plan.ts'
import {
  type ClusterObservation,
  type Content,
  finalPhases,
  type Measurement,
  type RolloutAction,
  type RolloutEvent,
  type RolloutPlan,
  type RolloutRun,
  type StepResult,
  type Veto,
} from '../../../../hub/rollout/rollout.ts'
import { step } from '../../../../hub/rollout/step/step.ts'
import type { AnswerKind, Move } from './any-rollout.ts'
import type { Given } from './check-gates.ts'
import { checkStep } from './check-step.ts'
import { away, idle, old, reports } from './world.ts'

/* A world of clusters that do anything at all, of servers that answer anything, and a hub that loses
   effects, hears old news twice and is restarted from the ledger at any moment. */

/** The world outside the hub, and what the hub was told of it. */
export function createWorld(planned: RolloutPlan) {
  let run = createRun(planned)
  let ledgered = run
  let now = 1_000
  let generation = 0
  let last: StepResult | undefined
  const names = Object.keys(planned.targets)
  const assigned = new Map<string, { content: Content; generation: number }>()
  const seen: Record<string, ClusterObservation> = Object.fromEntries(
    names.map((name) => [name, idle()]),
  )
  /** What each cluster's own keepers say, whatever the hub was told last. */
  const vetoes = new Map<string, Veto>()
  const before = new Map<string, ClusterObservation>()
  const everDone = new Set<string>()
  const given: Given[] = []

  function see(name: string, observation: ClusterObservation): void {
    if (seen[name]) before.set(name, seen[name])
    seen[name] = observation
  }

  /** A window opens by the clock, as the port would say. */
  function openWindows(): void {
    for (const name of names) {
      const until = seen[name]?.withheld?.until
      if (typeof until === 'number' && until <= now) seen[name] = { ...seen[name]!, withheld: null }
    }
  }

  function take(event: RolloutEvent) {
    openWindows()
    generation += 1
    if (event.kind === 'measured') given.push(event)
    const result = step(planned, run, event, seen, now, generation)
    checkStep(planned, run, result, { event, seen, generation, now, everDone, given })
    const change = JSON.parse(JSON.stringify(toChange(run, result.run))) as typeof result.run
    ledgered = applyChange(ledgered, change)
    run = result.run
    for (const effect of result.effects) {
      if (effect.kind !== 'assign') continue
      assigned.set(effect.cluster, { content: effect.content, generation: effect.generation })
      if (seen[effect.cluster]) seen[effect.cluster] = { ...seen[effect.cluster]!, refusal: null }
    }
    for (const [name, progress] of Object.entries(run.clusters)) {
      if (progress.state === 'Done') everDone.add(name)
    }
    if (run.phase === 'RollingBack' || run.phase === 'RolledBack') {
      for (const [name, { content }] of assigned) {
        const { digest, previous } = planned.targets[name]!
        assert.ok(
          content.digest !== digest || content.digest === (previous?.digest ?? null),
          `${name} keeps what is rolled back`,
        )
      }
    }
    const again = step(planned, run, { kind: 'observe' }, seen, now, generation + 1)
    assert.equal(again.run, run, 'the same facts again change nothing')
    assert.deepEqual(again.effects, [], 'the same facts again have no effects')
    assert.equal(again.recheckAt, result.recheckAt, 'the same facts again ask for the same time')
    assert.equal(again.measurements.length, result.measurements.length, 'and for the same answers')
    if (result.recheckAt !== null) assert.ok(result.recheckAt > now, 'rechecks are in the future')
    last = result
    return result
  }

  return {
    get run() {
      return run
    },
    get last() {
      return last!
    },
    names,
    take,
    pass(ms: number) {
      now += ms
    },
    report(name: string, as: Extract<Move, { kind: 'report' }>['as']) {
      const mine = assigned.get(name)
      if (!mine || seen[name]?.connected !== true) return
      const shapes = {
        good: {},
        failed: { health: 'Failed' },
        applying: { phase: 'Applying', health: 'InProgress' },
        progressing: { health: 'InProgress' },
        applyFailed: { phase: 'Failed' },
      } as const
      const { since, withheld = null } = seen[name]
      const veto = vetoes.get(name) ?? null
      if (!veto) {
        const told = reports(mine.content, mine.generation, shapes[as])
        see(name, { ...told, since, veto, withheld })
        return
      }
      // It has what it is asked to have, and keeps what it had.
      const held = { digest: mine.content.digest, generation: mine.generation }
      see(name, { ...reports(old, 0, { held }), since, veto, withheld })
    },
    stale(name: string) {
      const earlier = before.get(name)
      // A refusal is of one snapshot; the port never reports one of an older.
      if (earlier) see(name, { ...earlier, refusal: null, withheld: seen[name]?.withheld ?? null })
    },
    refuse(name: string) {
      if (assigned.has(name) && seen[name]?.connected)
        see(name, { ...seen[name], refusal: 'scope' })
    },
    cut(name: string) {
      // What it said last stays known, as it does in the hub.
      if (seen[name]?.connected !== false)
        see(name, { ...away(now), ...seen[name], connected: false, since: now })
    },
    join(name: string) {
      const veto = vetoes.get(name) ?? null
      const { withheld = null } = seen[name] ?? {}
      const unheard = assigned.has(name) && { unheard: true as const }
      if (!seen[name]?.connected) see(name, { ...idle(now), ...unheard, veto, withheld })
    },
    forget(name: string) {
      delete seen[name]
    },
    hold(name: string, veto: Veto | null) {
      if (veto) vetoes.set(name, veto)
      else vetoes.delete(name)
      // Somebody may have set it between two reports.
      if (seen[name]?.connected) see(name, { ...seen[name], veto })
    },
    withhold(name: string, ms: number) {
      const withheld = ms === 0 ? null : { until: now + ms, reason: 'a window' }
      if (seen[name]) seen[name] = { ...seen[name], withheld }
    },
    /** What the first question that is open is answered, if there is one. */
    toAnswer(as: AnswerKind): RolloutEvent | undefined {
      const [asked] = last?.measurements ?? []
      if (!asked) return undefined
      const { gate, since, opening, round } = asked
      const question = { gate, since, round, ...(opening !== undefined && { opening }) }
      return { kind: 'measured', ...question, answer: toAnswer(asked, as) }
    },
    echo(which: number): RolloutEvent | undefined {
      const one = given.at(-1 - which)
      return one && { kind: 'measured', ...one }
    },
    /** The hub dies before its effects got through, and comes back from the ledger. */
    crash() {
      assert.deepEqual(ledgered, run, 'the ledger holds the whole run')
      run = JSON.parse(JSON.stringify(ledgered)) as RolloutRun
      for (const [name, progress] of Object.entries(run.clusters)) {
        const assignment = assignedBy(planned, name, progress)
        if (!assignment) continue
        const mine = { content: toContent(assignment), generation: assignment.generation }
        assert.deepEqual(assigned.get(name), mine, 'assignments follow from the run')
        assigned.set(name, mine)
      }
    },
  }
}

export type World = ReturnType<typeof createWorld>

/** All that is measured says the same, so that a round can be told good or bad as a whole. */
function toAnswer({ planned, clusters }: Measurement, as: AnswerKind): GateAnswer {
  if (as === 'unanswered') return { kind: 'unanswered', message: 'away' }
  if (planned.kind !== 'metric') {
    const verdicts = { pass: 'pass', fail: 'fail', good: 'pass', bad: 'fail' } as const
    const verdict = as in verdicts ? verdicts[as as keyof typeof verdicts] : 'wait'
    return { kind: 'verdict', verdict, message: as }
  }
  const subjects = planned.per === 'wave' ? [wholeWave] : clusters
  const numbers = as === 'bad' || as === 'fail' ? [2] : as === 'none' || as === 'wait' ? [] : [0.5]
  const values = as === 'nan' ? [Number.NaN] : numbers
  return { kind: 'values', values: Object.fromEntries(subjects.map((name) => [name, values])) }
}

export function play(world: World, move: Move): void {
  const name = 'cluster' in move ? `c${move.cluster}` : ''
  const known = world.names.includes(name)
  switch (move.kind) {
    case 'pass':
      world.pass(move.ms)
      break
    case 'report':
      if (known) world.report(name, move.as)
      break
    case 'crash':
      world.crash()
      break
    case 'postpone':
    case 'veto':
      if (known) world.hold(name, { refuse: move.kind === 'veto', until: null, words: 'busy' })
      break
    case 'release':
      if (known) world.hold(name, null)
      break
    case 'withhold':
      if (known) world.withhold(name, move.ms)
      break
    case 'answer':
    case 'echo': {
      const event = move.kind === 'answer' ? world.toAnswer(move.as) : world.echo(move.which)
      if (event) world.take(event)
      return
    }
    case 'act': {
      const actions = {
        skip: { kind: 'skip', cluster: name },
        supersede: { kind: 'supersede', by: 'r2' },
      } as const
      const action: RolloutAction =
        move.action === 'skip' || move.action === 'supersede'
          ? actions[move.action]
          : { kind: move.action }
      try {
        world.take({ kind: 'action', action, actor: move.actor, reason: 'because' })
      } catch (error) {
        assert.ok(
          error instanceof HubError && ['conflict', 'not_found'].includes(error.code),
          String(error),
        )
      }
      return
    }
    case 'stale':
    case 'refuse':
    case 'cut':
    case 'join':
    case 'forget':
      if (known) world[move.kind](name)
  }
  world.take({ kind: 'observe' })
}

const begin: RolloutEvent = { kind: 'action', action: { kind: 'start' }, actor: 'a', reason: '' }

/** Starts a rollout and plays what happens to it. */
export function playAll(planned: RolloutPlan, moves: readonly Move[]): World {
  const world = createWorld(planned)
  world.take(begin)
  for (const move of moves) play(world, move)
  return world
}

/** Makes clusters well, windows open, servers content and people answer until the rollout has ended. */
export function playToTheEnd(world: World): void {
  for (let round = 0; !finalPhases.has(world.run.phase); round += 1) {
    assert.ok(round < 100, `stuck: ${world.run.phase}: ${world.run.message}`)
    for (const name of world.names) {
      const cluster = Number(name.slice(1))
      play(world, { kind: 'join', cluster })
      play(world, { kind: 'withhold', cluster, ms: 0 })
      play(world, { kind: 'release', cluster })
      play(world, { kind: 'report', cluster, as: 'good' })
    }
    world.pass(5_000)
    const { waitingFor } = world.take({ kind: 'observe' })
    if (!finalPhases.has(world.run.phase)) assert.ok(waitingFor.length > 0, 'says why it waits')
    for (let asked = world.last.measurements.length; asked > 0; asked -= 1) {
      play(world, { kind: 'answer', as: 'good' })
    }
    for (const action of ['approve', 'retry', 'resume', 'promote'] as const) {
      // By promoting now and then only, so that most gates are passed by what they ask.
      if (action === 'promote' && round % 5 !== 4) continue
      for (const actor of ['alice', 'bob', 'carol', 'dora', 'erin', 'fred']) {
        play(world, { kind: 'act', action, cluster: 0, actor })
      }
    }
  }
}
