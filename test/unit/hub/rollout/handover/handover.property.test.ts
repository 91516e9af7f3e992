import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { replay } from '../../../../../hub/ledger/replay.ts'
import { createRollouts } from '../../../../../hub/rollout/advance/advance.ts'
import { createHandovers } from '../../../../../hub/rollout/handover/handover.ts'
import type {
  Assignment,
  ClusterObservation,
  Content,
  RolloutPlan,
  RolloutTarget,
} from '../../../../../hub/rollout/rollout.ts'
import {
  createMemoryLedger,
  createMemoryStore,
  createMemoryWakes,
} from '../../../../support/memory-rollouts.ts'
import { plan, wave } from '../world.ts'

/* Applications with an object each, of which one commit gives any to any other, in chains, swaps and rings;
   on clusters that each of them goes through at its own pace. */

const all = ['c0', 'c1', 'c2', 'c3']
/** Git asks for nothing else. */
const still = { desired: () => undefined, leavesAt: () => undefined, released: () => {} }
const approval = { kind: 'approval', role: 'operator', count: 1 } as const

interface Fleet {
  /** For each cluster: which application is to have each one's object there. */
  readonly heirs: readonly (readonly number[])[]
  /** Clusters in the first wave; the others come after them. */
  readonly canaries: number
  readonly paces: readonly {
    readonly slots: number
    readonly reversed: boolean
    readonly gated: boolean
  }[]
}

const anyFleet: fc.Arbitrary<Fleet> = fc.integer({ min: 2, max: 4 }).chain((count) =>
  fc.record({
    heirs: fc.array(
      fc.oneof(
        fc.constant(Array.from({ length: count }, (_, at) => (at + 1) % count)),
        fc.constant(Array.from({ length: count }, (_, at) => at)),
        fc.array(fc.nat({ max: count - 1 }), { minLength: count, maxLength: count }),
      ),
      { minLength: all.length, maxLength: all.length },
    ),
    canaries: fc.integer({ min: 0, max: 2 }),
    paces: fc.array(
      fc.record({
        slots: fc.integer({ min: 1, max: 3 }),
        reversed: fc.boolean(),
        gated: fc.boolean(),
      }),
      { minLength: count, maxLength: count },
    ),
  }),
)

type Move =
  | { kind: 'plan' | 'approve' | 'notice' | 'pause' | 'resume'; at: number }
  | { kind: 'deliver' | 'report'; at: number }
  | { kind: 'crash' | 'pass' | 'storm' }

const anyMove: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    kind: fc.constantFrom(
      ...(['plan', 'plan', 'approve', 'notice', 'deliver', 'report', 'pause', 'resume'] as const),
    ),
    at: fc.nat({ max: 3 }),
  }),
  fc.constantFrom('crash' as const, 'pass', 'storm').map((kind) => ({ kind })),
)

async function createWorld({ heirs, canaries, paces }: Fleet) {
  const names = paces.map((_, at) => `app${at}`)
  const before = names.map((name): Content => ({
    ...{ digest: digestOf(`${name} before`), size: 1, revision: 'main@sha1:1' },
  }))
  const after = all.map((cluster) =>
    names.map((name): Content => ({
      ...{ digest: digestOf(`${name} after on ${cluster}`), size: 1, revision: 'main@sha1:2' },
    })),
  )
  const objectsOf = new Map<Digest, readonly number[]>(
    names.flatMap((_, at) => [
      [before[at]!.digest!, [at]] as const,
      ...heirs.map((mine, on) => {
        const has = mine.flatMap((heir, object) => (heir === at ? [object] : []))
        return [after[on]![at]!.digest!, has] as const
      }),
    ]),
  )
  let now = 1_000
  let settledAt = -Infinity
  const clock = () => now
  const disk = createMemoryLedger(clock)
  /** By cluster and application: what its agent was sent, and what it has said of it. */
  const sent = new Map<string, Assignment>()
  const told = new Map<string, Assignment>()
  const planned = new Set<number>()

  function observe(application: string, clusters: readonly string[]) {
    const handover = hub.handovers.look(application)
    return Object.fromEntries(
      clusters.map((cluster): [string, ClusterObservation] => {
        const mine = told.get(`${cluster}/${application}`)
        const rules = {
          ...{ withheld: handover.withheld(cluster), awaits: handover.awaits(cluster) },
          ...(!hub.handovers.isSettled() && { unsettled: true as const }),
        }
        const report = mine && {
          ...{ digest: mine.digest, generation: mine.generation, message: '' },
          ...{ phase: 'Applied' as const, health: 'Current' as const },
        }
        return [
          cluster,
          { connected: true, since: 0, refusal: null, ...rules, application: report ?? null },
        ]
      }),
    )
  }

  async function open() {
    const ledger = disk.open()
    const state = await replay(ledger.read())
    const handovers = createHandovers({
      state,
      isFree: () => true,
      settledAt: () => settledAt,
      ...still,
    })
    const rollouts = createRollouts({
      ...{ ledger, state, store: createMemoryStore(), wake: createMemoryWakes(), clock },
      measure: () => Promise.reject(new Error('nothing is measured')),
      observe: async (application, clusters) => observe(application, clusters),
      moved: (application) => {
        for (const other of handovers.listTakers(application)) void rollouts.notice(other)
      },
      assign: async () => {},
      log: () => {},
    })
    return { state, rollouts, handovers }
  }

  let hub = await open()
  await hub.rollouts.restore()
  const noticeAll = () => Promise.all(names.map((name) => hub.rollouts.notice(name)))

  function deliver(cluster: string): void {
    const assigned = [...(hub.state.assignments.get(cluster)?.values() ?? [])]
    const runs = (name: string) => told.get(`${cluster}/${name}`)
    const listed = hub.handovers.listTogether(cluster, assigned, runs)
    for (const one of listed === 'wait' ? [] : listed) {
      sent.set(`${cluster}/${one.application}`, one)
    }
    const owners = new Map<number, string>()
    for (const name of names) {
      const digest = sent.get(`${cluster}/${name}`)?.digest
      for (const object of digest ? objectsOf.get(digest)! : []) {
        const other = owners.get(object)
        assert.equal(other, undefined, `${name} and ${other} both want ${object} on ${cluster}`)
        owners.set(object, name)
      }
    }
  }

  function report(cluster: string): void {
    for (const name of names) {
      const mine = sent.get(`${cluster}/${name}`)
      if (mine) told.set(`${cluster}/${name}`, mine)
    }
  }

  function makeTarget(at: number, on: number): RolloutTarget {
    const from = Object.fromEntries(
      heirs[on]!.flatMap((heir, object) =>
        heir === at && object !== at ? [[names[object]!, before[object]!.digest!]] : [],
      ),
    )
    return {
      ...{ ...after[on]![at]!, previous: before[at]! },
      ...(Object.keys(from).length > 0 && { from }),
      ...(heirs[on]![at] !== at && { leave: [`/ConfigMap/n/${at}`] }),
    }
  }

  function makePlan(at: number, isTurn: boolean): RolloutPlan {
    const { slots, reversed, gated } = paces[at]!
    const order = (some: string[]) => (reversed ? some.toReversed() : some)
    const rest = isTurn && gated ? { before: [approval] } : {}
    const waves = [all.slice(0, canaries), all.slice(canaries)]
      .filter((clusters) => clusters.length > 0)
      .map((clusters, index) =>
        wave(`w${index}`, order(clusters), { maxConcurrent: slots, ...(index === 0 && rest) }),
      )
    const id = `${names[at]}-${isTurn ? 2 : 1}`
    const targets = Object.fromEntries(
      all.map((cluster, on) => [
        cluster,
        isTurn ? makeTarget(at, on) : { ...before[at]!, previous: null },
      ]),
    )
    return plan(waves, {
      ...{ id, application: names[at]!, targets, createdAt: now, contentDigest: digestOf(id) },
    })
  }

  async function turn(at: number): Promise<void> {
    if (at >= names.length || planned.has(at)) return
    planned.add(at)
    now += 1
    await hub.rollouts.create(makePlan(at, true), { start: true })
    if (planned.size === names.length) settledAt = now
  }

  async function approve(at: number): Promise<void> {
    const id = `${names[at]}-2`
    const run = hub.state.runs.get(id)
    if (!run || !paces[at]!.gated || run.phase !== 'Progressing' || run.approvals.length > 0) return
    const action = { kind: 'approve', roles: ['operator'] } as const
    await hub.rollouts.act(id, action, 'ada', 'yes')
  }

  async function toggle(at: number, kind: 'pause' | 'resume'): Promise<void> {
    const id = `${names[at]}-2`
    const fits = kind === 'pause' ? 'Progressing' : 'Paused'
    if (hub.state.runs.get(id)?.phase !== fits) return
    await hub.rollouts.act(id, { kind }, 'ada', 'why not')
  }

  async function goOn(): Promise<void> {
    for (const cluster of all) {
      deliver(cluster)
      report(cluster)
    }
    await noticeAll()
  }

  /** Goes on until nothing is decided any more. */
  async function comeToRest(): Promise<void> {
    for (let [quiet, rounds] = [0, 0]; quiet < 3; rounds += 1) {
      assert.ok(rounds < 100, 'it comes to rest')
      const { head } = hub.state
      await goOn()
      quiet = hub.state.head === head ? quiet + 1 : 0
    }
  }

  const phases = () => names.map((_, at) => hub.state.runs.get(`${names[at]}-2`)?.phase)
  for (const [at] of names.entries()) {
    await hub.rollouts.create(makePlan(at, false), { start: true })
  }
  await comeToRest()
  for (const name of names) assert.equal(hub.state.runs.get(`${name}-1`)!.phase, 'Succeeded')

  return {
    async play(move: Move): Promise<void> {
      switch (move.kind) {
        case 'plan':
          return turn(move.at)
        case 'approve':
          return move.at < names.length ? approve(move.at) : undefined
        case 'notice':
          return move.at < names.length ? hub.rollouts.notice(names[move.at]!) : undefined
        case 'pause':
        case 'resume':
          return toggle(move.at, move.kind)
        case 'deliver':
          return deliver(all[move.at]!)
        case 'report':
          return report(all[move.at]!)
        case 'storm':
          await noticeAll()
          return undefined
        case 'pass':
          // What is not kept back has been heard of by then.
          await comeToRest()
          now += 3_600_000
          await noticeAll()
          return undefined
        case 'crash':
          await hub.rollouts.close()
          settledAt = planned.size === names.length ? settledAt : -Infinity
          hub = await open()
          await hub.rollouts.restore()
          return undefined
      }
    },
    /** What is at a gate keeps nobody's slot; once all are open, and nobody pauses, all get there. */
    async end(): Promise<void> {
      for (const [at] of names.entries()) await turn(at)
      for (const [at] of names.entries()) await toggle(at, 'resume')
      await comeToRest()
      for (const { id, clusters } of hub.state.runs.values()) {
        const waiting = Object.keys(clusters).filter((name) => clusters[name]!.state === 'Offered')
        assert.deepEqual(waiting, [], `${id} was offered what cannot come`)
      }
      for (const [at] of names.entries()) await approve(at)
      await comeToRest()
      assert.deepEqual(new Set(phases()), new Set(['Succeeded']), JSON.stringify(phases()))
      await hub.rollouts.close()
    },
  }
}

test('I4, I6: whoever gives objects to whom, no cluster is asked for one object by two, and all get there', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const moves = fc.array(anyMove, { maxLength: 30 })
  const property = fc.asyncProperty(anyFleet, moves, async (fleet, played) => {
    const world = await createWorld(fleet)
    for (const move of played) await world.play(move)
    await world.end()
  })
  await fc.assert(property, {
    numRuns: Number(process.env['RUNS'] ?? 60),
    seed,
    endOnFailure: false,
  })
})
