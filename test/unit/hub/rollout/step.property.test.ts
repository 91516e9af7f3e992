import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HubError } from '../../../../hub/errors.ts'
import { assignedBy } from '../../../../hub/ledger/replay.ts'
import { applyChange, toChange } from '../../../../hub/rollout/change.ts'
import { createRun } from '../../../../hub/rollout/plan.ts'
import {
  type ClusterObservation,
  type Content,
  finalPhases,
  type RolloutAction,
  type RolloutEvent,
  type RolloutPlan,
  type RolloutRun,
  type Veto,
} from '../../../../hub/rollout/rollout.ts'
import { step } from '../../../../hub/rollout/step.ts'
import { checkStep } from './check-step.ts'
import { away, good, idle, old, plan, reports, target, wave } from './world.ts'

/* A world of clusters that do anything at all, and a hub that loses effects, hears old news twice
   and is restarted from the ledger at any moment. What must hold then (I6) is checked each step. */

type Move =
  | { kind: 'pass'; ms: number }
  | {
      kind: 'report'
      cluster: number
      as: 'good' | 'failed' | 'applying' | 'progressing' | 'applyFailed'
    }
  | { kind: 'stale'; cluster: number }
  | { kind: 'refuse'; cluster: number }
  | { kind: 'cut'; cluster: number }
  | { kind: 'postpone'; cluster: number }
  | { kind: 'veto'; cluster: number }
  | { kind: 'release'; cluster: number }
  | { kind: 'join'; cluster: number }
  | { kind: 'forget'; cluster: number }
  | { kind: 'crash' }
  | { kind: 'act'; action: RolloutAction['kind']; cluster: number; actor: string }

const index = fc.nat({ max: 7 })
const anyMove: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 999, 4_500, 5_000, 30_000, 61_000),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      cluster: index,
      as: fc.constantFrom(
        'good',
        'good',
        'good',
        'failed',
        'applying',
        'progressing',
        'applyFailed',
      ),
    }),
  },
  ...(['stale', 'refuse', 'cut', 'join', 'forget', 'postpone', 'veto', 'release'] as const).map(
    (kind) => ({
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant(kind), cluster: index }) as fc.Arbitrary<Move>,
    }),
  ),
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('act' as const),
      action: fc.constantFrom(
        'start',
        'approve',
        'approve',
        'pause',
        'resume',
        'abort',
        'rollback',
        'retry',
        'skip',
        'supersede',
      ),
      cluster: index,
      actor: fc.constantFrom('alice', 'bob'),
    }),
  },
)

const approval = { kind: 'approval', role: 'operator' } as const
const gates = fc.constantFrom([], [], [], [], [approval], [approval, approval])
const anyPlan: fc.Arbitrary<RolloutPlan> = fc
  .record({
    sizes: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 4 }),
    rules: fc.array(
      fc.record({
        maxConcurrent: fc.integer({ min: 1, max: 3 }),
        maxFailures: fc.nat({ max: 1 }),
        soak: fc.constantFrom(0, 0, 5_000),
        before: gates,
        after: gates,
      }),
      { minLength: 4, maxLength: 4 },
    ),
    previous: fc.array(fc.constantFrom(old, null), { minLength: 12, maxLength: 12 }),
    removes: fc.nat({ max: 12 }),
    maxFailures: fc.nat({ max: 2 }),
    onFailure: fc.constantFrom('pause' as const, 'rollback' as const, 'continue' as const),
    offline: fc.constantFrom('skip' as const, 'wait' as const, 'fail' as const),
  })
  .map(({ sizes, rules, previous, removes, ...rest }) => {
    let next = 0
    const waves = sizes.map((size, at) => {
      const clusters = Array.from({ length: size }, () => `c${next++}`)
      return wave(`w${at}`, clusters, rules[at])
    })
    const made = plan(waves, rest)
    const names = Object.keys(made.targets)
    const targets = names.map((name, at) => {
      const content: Content = at === removes ? { ...good, digest: null, size: 0 } : good
      return [name, target(previous[at], content)] as const
    })
    return { ...made, targets: Object.fromEntries(targets) }
  })

/** The world outside the hub, and what the hub was told of it. */
function createWorld(planned: RolloutPlan) {
  let run = createRun(planned)
  let ledgered = run
  let now = 1_000
  let generation = 0
  const names = Object.keys(planned.targets)
  const assigned = new Map<string, { content: Content; generation: number }>()
  const seen: Record<string, ClusterObservation> = Object.fromEntries(
    names.map((name) => [name, idle()]),
  )
  const before = new Map<string, ClusterObservation>()
  const everDone = new Set<string>()
  /** What each cluster's own keepers say, whatever the hub was told last. */
  const vetoes = new Map<string, Veto>()

  function see(name: string, observation: ClusterObservation): void {
    if (seen[name]) before.set(name, seen[name])
    seen[name] = observation
  }

  function take(event: RolloutEvent) {
    generation += 1
    const result = step(planned, run, event, seen, now, generation)
    checkStep(planned, run, result.run, result.effects, { seen, generation, now, everDone })
    assert.deepEqual(applyChange(run, toChange(run, result.run)), result.run)
    ledgered = applyChange(ledgered, JSON.parse(JSON.stringify(toChange(run, result.run))) as never)
    run = result.run
    for (const effect of result.effects) {
      if (effect.kind !== 'assign') continue
      assigned.set(effect.cluster, { content: effect.content, generation: effect.generation })
      if (seen[effect.cluster]) seen[effect.cluster] = { ...seen[effect.cluster]!, refusal: null }
    }
    for (const [name, progress] of Object.entries(run.clusters)) {
      if (progress.state === 'Done') everDone.add(name)
    }
    const again = step(planned, run, { kind: 'observe' }, seen, now, generation + 1)
    assert.equal(again.run, run, 'the same facts again change nothing')
    assert.deepEqual(again.effects, [], 'the same facts again have no effects')
    assert.equal(again.recheckAt, result.recheckAt, 'the same facts again ask for the same time')
    if (result.recheckAt !== null) assert.ok(result.recheckAt > now, 'rechecks are in the future')
    return result
  }

  return {
    get run() {
      return run
    },
    names,
    take,
    pass(ms: number) {
      now += ms
    },
    get now() {
      return now
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
      const { since } = seen[name]
      const veto = vetoes.get(name) ?? null
      if (!veto) {
        see(name, { ...reports(mine.content, mine.generation, shapes[as]), since, veto })
        return
      }
      // It has what it is asked to have, and keeps what it had.
      const held = { digest: mine.content.digest, generation: mine.generation }
      see(name, { ...reports(old, 0, { held }), since, veto })
    },
    stale(name: string) {
      const earlier = before.get(name)
      // A refusal is of one snapshot; the port never reports one of an older.
      if (earlier) see(name, { ...earlier, refusal: null })
    },
    refuse(name: string) {
      if (assigned.has(name) && seen[name]?.connected)
        see(name, { ...seen[name], refusal: 'scope' })
    },
    hold(name: string, veto: Veto | null) {
      if (veto) vetoes.set(name, veto)
      else vetoes.delete(name)
      // Somebody may have set it between two reports.
      if (seen[name]?.connected) see(name, { ...seen[name], veto })
    },
    cut(name: string) {
      // What it said last stays known, as it does in the hub.
      if (seen[name]?.connected !== false)
        see(name, { ...away(now), ...seen[name], connected: false, since: now })
    },
    join(name: string) {
      const veto = vetoes.get(name) ?? null
      if (!seen[name]?.connected) see(name, { ...idle(now), veto })
    },
    forget(name: string) {
      delete seen[name]
    },
    /** The hub dies before its effects got through, and comes back from the ledger. */
    crash() {
      assert.deepEqual(ledgered, run, 'the ledger holds the whole run')
      run = JSON.parse(JSON.stringify(ledgered)) as RolloutRun
      for (const [name, progress] of Object.entries(run.clusters)) {
        const assignment = assignedBy(planned, name, progress)
        if (!assignment) continue
        const { digest, size, revision } = assignment
        const mine = { content: { digest, size, revision }, generation: assignment.generation }
        assert.deepEqual(assigned.get(name), mine, 'assignments follow from the run')
        assigned.set(name, mine)
      }
    },
  }
}

function play(world: ReturnType<typeof createWorld>, move: Move): void {
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
    case 'postpone':
    case 'veto':
      if (known) world.hold(name, { refuse: move.kind === 'veto', until: null, words: 'busy' })
      break
    case 'release':
      if (known) world.hold(name, null)
      break
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

test('I6: order, concurrency, budget and exact gates hold in any world, through crashes', () => {
  fc.assert(
    fc.property(anyPlan, fc.array(anyMove, { maxLength: 80, size: 'max' }), (planned, moves) => {
      const world = createWorld(planned)
      world.take(begin)
      for (const move of moves) play(world, move)
    }),
    { numRuns: 1_500 },
  )
})

test('every rollout ends once clusters are well and people answer', () => {
  fc.assert(
    fc.property(anyPlan, fc.array(anyMove, { maxLength: 30 }), (planned, moves) => {
      const world = createWorld(planned)
      world.take(begin)
      for (const move of moves) play(world, move)
      for (let round = 0; !finalPhases.has(world.run.phase); round += 1) {
        assert.ok(round < 100, `stuck: ${world.run.phase}: ${world.run.message}`)
        for (const name of world.names) {
          play(world, { kind: 'release', cluster: Number(name.slice(1)) })
          play(world, { kind: 'join', cluster: Number(name.slice(1)) })
          play(world, { kind: 'report', cluster: Number(name.slice(1)), as: 'good' })
        }
        world.pass(5_000)
        const { waitingFor } = world.take({ kind: 'observe' })
        if (!finalPhases.has(world.run.phase)) assert.ok(waitingFor.length > 0, 'says why it waits')
        for (const action of ['approve', 'retry', 'resume'] as const) {
          for (const actor of ['alice', 'bob'])
            play(world, { kind: 'act', action, cluster: 0, actor })
        }
      }
    }),
    { numRuns: 500 },
  )
})
