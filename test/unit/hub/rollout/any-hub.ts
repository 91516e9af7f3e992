import assert from 'node:assert/strict'
import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../../../hub/errors.ts'
import { replay } from '../../../../hub/ledger/replay.ts'
import { previousContent } from '../../../../hub/rollout/decide/admission.ts'
import { createRollouts, type Rollouts } from '../../../../hub/rollout/advance/advance.ts'
import { explainDependency } from '../../../../hub/rollout/withhold/dependency.ts'
import { type GateAnswer, wholeWave } from '../../../../hub/rollout/gate/gate-state.ts'
import { planRollout } from '../../../../hub/rollout/plan/plan.ts'
import type { MetricGate } from '../../../../hub/rollout/gate/planned-gate.ts'
import {
  type Assignment,
  type ClusterObservation,
  type Content,
  finalPhases,
  type Measurement,
  type RolloutAction,
  type RolloutPlan,
} from '../../../../hub/rollout/rollout.ts'
import { applications, clusters, type HubMove } from './any-hub-move.ts'
import {
  createMemoryLedger,
  createMemoryStore,
  createMemoryWakes,
} from '../../../support/memory-rollouts.ts'

/* A whole hub's rollouts of two applications, of which one waits for the other, on clusters whose labels
   change; killed, fenced, without its store, rung twice. The ledger is judged by test/support/ledger-oracle.ts. */

const contentOf = (app: string, index: number): Content => ({
  digest: digestOf(`${app}${index}`),
  size: 10,
  revision: `main@sha1:${index}`,
})
const metric: MetricGate = {
  ...{ kind: 'metric', template: 'm', address: 'https://p.example', query: 'up', per: 'wave' },
  ...{ labels: {}, success: { max: 1 }, interval: 1_000, count: 2, failureLimit: 1 },
  ...{ missing: 'fail', timeout: 1_000 },
}
const metrics = new Map([
  [
    'm',
    {
      spec: {
        provider: { type: 'prometheus' as const, address: metric.address },
        ...{ query: 'up', per: 'wave' as const, success: { max: 1 }, count: 2, failureLimit: 1 },
        interval: '1s',
      },
    },
  ],
])
/** What a hub may throw at whoever asks it for something that does not fit, or while its disk fails. */
const expected = ['conflict', 'not_found', 'ledger_unwritable', 'ledger_diverged', 'plan_invalid']

export async function createHubWorld() {
  let now = 1_000
  let made = 0
  const clock = () => now
  const disk = createMemoryLedger(clock)
  const store = createMemoryStore()
  const rings = new Map<string, string>(clusters.map((name, at) => [name, at < 2 ? 'one' : 'two']))
  const links = new Map<string, { connected: boolean; since: number }>(
    clusters.map((name) => [name, { connected: true, since: 0 }]),
  )
  /** By cluster and application: what it runs, and how; its agent takes the newest generation. */
  const running = new Map<string, Assignment>()
  const health = new Map<string, boolean>()
  let answers: Extract<HubMove, { kind: 'answers' }>['as'] = 'good'

  async function measure(_: RolloutPlan, { planned }: Measurement): Promise<GateAnswer> {
    if (answers === 'away') throw new Error('connection refused')
    if (planned.kind !== 'metric') {
      const verdict = answers === 'good' ? 'pass' : answers === 'bad' ? 'fail' : 'wait'
      return { kind: 'verdict', verdict, message: answers }
    }
    const values = answers === 'good' ? [0.5] : answers === 'bad' ? [7] : []
    return { kind: 'values', values: { [wholeWave]: values } }
  }

  function observe(hub: Hub, app: string, names: readonly string[]) {
    const plans = [...hub.rollouts.state.plans.values()]
      .toReversed()
      .filter(({ application }) => application === 'db')
    return Object.fromEntries(
      names.map((name): [string, ClusterObservation] => {
        const { connected, since } = links.get(name)!
        const why = app === 'shop' ? explainDependency(hub.rollouts.state, plans, 'db', name) : null
        const withheld = why === null ? null : { until: null, reason: why }
        const mine = running.get(`${name}/${app}`)
        const well = health.get(`${name}/${app}`)
        const application =
          mine && well !== undefined
            ? {
                ...{ digest: mine.digest, generation: mine.generation, message: '' },
                phase: mine.digest === null ? ('Removed' as const) : ('Applied' as const),
                health: well ? ('Current' as const) : ('Failed' as const),
              }
            : null
        return [name, { connected, since, veto: null, withheld, refusal: null, application }]
      }),
    )
  }

  interface Hub {
    readonly rollouts: Rollouts
    readonly wakes: ReturnType<typeof createMemoryWakes>
    readonly ledger: ReturnType<typeof disk.open>
  }

  async function open(): Promise<Hub> {
    const ledger = disk.open()
    const wakes = createMemoryWakes()
    const state = await replay(ledger.read())
    const rollouts = createRollouts({
      ...{ ledger, state, store, wake: wakes, clock, measure, log: () => {} },
      observe: async (app, names) => observe(hub, app, names),
      moved: (app) => {
        if (app === 'db') rollouts.notice('shop').catch(() => {})
      },
      assign: async (assignments) => offer(assignments),
    })
    const hub = { rollouts, wakes, ledger }
    await rollouts.restore()
    // Whoever connects to a hub that has just started is offered what its ledger says.
    for (const mine of state.assignments.values()) offer([...mine.values()])
    return hub
  }

  function offer(assignments: readonly Assignment[]): void {
    for (const one of assignments) {
      const key = `${one.cluster}/${one.application}`
      const known = running.get(key)
      if (known && known.generation >= one.generation) continue
      running.set(key, one)
      health.delete(key)
    }
  }

  let hub = await open()
  let zombie: Hub | undefined

  async function reopen(): Promise<void> {
    hub = await open()
  }

  async function attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      assert.ok(error instanceof HubError && expected.includes(error.code), String(error))
    }
    // What runs beside it: gates that are asked, applications that wait for others. It may be what finds the disk broken.
    for (let turn = 0; turn < 4; turn += 1) {
      if (hub.ledger.dead) await reopen()
      await new Promise(setImmediate)
    }
    if (hub.ledger.dead) await reopen()
  }

  function commit(move: Extract<HubMove, { kind: 'commit' }>): Promise<unknown> {
    const { state } = hub.rollouts
    const app = move.application
    const content = contentOf(app, move.content)
    const targets = Object.fromEntries(
      clusters.flatMap((name) => {
        const has = state.assignments.get(name)?.get(app)?.digest ?? null
        const gone = move.leaves === clusters.indexOf(name)
        const next = gone ? { ...content, digest: null, size: 0 } : content
        if (has === next.digest) return []
        return [[name, { ...next, previous: previousOf(app, name) }] as const]
      }),
    )
    const plan = planRollout({
      ...{ id: `r${made++}`, application: app, revision: content.revision, targets, now },
      clusters: Object.fromEntries(
        clusters.map((name) => {
          const ring = rings.get(name)!
          return [name, { labels: { ring }, groups: [`${ring}s`] }]
        }),
      ),
      strategy: move.strategy,
      gates: { metrics },
      trigger: { kind: 'commit', actor: 'git', reason: '' },
    })
    return hub.rollouts.create(plan, { start: move.start })
  }

  /** A tombstone is nothing to go back to. */
  function previousOf(app: string, name: string): Content | null {
    const previous = previousContent(hub.rollouts.state, app, name)
    return previous?.digest === null ? null : previous
  }

  async function act(on: Hub, move: Extract<HubMove, { kind: 'act' }>): Promise<void> {
    const runs = [...on.rollouts.state.runs.values()].filter(
      ({ id }) => on.rollouts.state.plans.get(id)?.application === move.application,
    )
    const moving = runs.find(({ phase }) => !finalPhases.has(phase) && phase !== 'Planned')
    const id = (moving ?? runs.at(-1))?.id
    if (id === undefined) return
    const action: RolloutAction =
      move.action === 'skip'
        ? { kind: 'skip', cluster: clusters[move.cluster]! }
        : ({ kind: move.action } as RolloutAction)
    await on.rollouts.act(id, action, move.actor, 'because')
  }

  async function play(move: HubMove): Promise<void> {
    const name = 'cluster' in move ? clusters[move.cluster]! : 'c0'
    switch (move.kind) {
      case 'commit':
        return attempt(async () => commit(move))
      case 'act':
        return attempt(() => act(hub, move))
      case 'report':
        if (!links.get(name)!.connected) return undefined
        for (const app of applications) {
          if (running.has(`${name}/${app}`)) health.set(`${name}/${app}`, move.well)
        }
        return attempt(() => hub.rollouts.notice('shop'))
      case 'goOn':
        for (const cluster of clusters.keys()) await play({ kind: 'report', cluster, well: true })
        for (const application of applications) {
          await play({ kind: 'act', application, action: 'approve', cluster: 0, actor: move.actor })
          await play({ kind: 'notice', application })
        }
        await play({ kind: 'pass', ms: 5_000 })
        return play({ kind: 'ring' })
      case 'cut':
        links.set(name, { connected: false, since: now })
        return undefined
      case 'join':
        if (!links.get(name)!.connected) links.set(name, { connected: true, since: now })
        return undefined
      case 'label':
        rings.set(name, rings.get(name) === 'one' ? 'two' : 'one')
        return undefined
      case 'pass':
        now += move.ms
        return undefined
      case 'notice':
        return attempt(() => hub.rollouts.notice(move.application))
      case 'answers':
        answers = move.as
        return undefined
      case 'ring':
        return attempt(() => hub.wakes.ring(now))
      case 'sweep':
        return attempt(async () => hub.wakes.sweep())
      case 'storm':
        return attempt(async () => {
          hub.wakes.sweep()
          await Promise.all([hub.wakes.ringAll(), ...applications.map(hub.rollouts.notice)])
        })
      case 'flush':
        store.flush()
        return undefined
      case 'storeAway':
      case 'storeBack':
        store.away = move.kind === 'storeAway'
        return undefined
      case 'crash':
        return reopen()
      case 'second':
        // It takes the lead; the one before goes on believing that it leads.
        zombie = hub
        return reopen()
      case 'zombie': {
        const old = zombie
        if (!old) return undefined
        // Whoever leads now may write meanwhile: gates that it asked answer when they do.
        const before = old.ledger.written
        await attempt(() => old.wakes.ring(now))
        await attempt(() =>
          act(old, {
            ...move,
            kind: 'act',
            application: 'shop',
            action: 'approve',
            cluster: 0,
            actor: 'eve',
          }),
        )
        assert.equal(old.ledger.written, before, 'a hub that was fenced decides nothing')
        return undefined
      }
      case 'fail':
        hub.ledger.failNext = move.how
        return attempt(() => hub.rollouts.notice('db'))
    }
  }

  /** Everybody well, in time, and answered, until nothing moves any more. */
  async function settle(): Promise<void> {
    store.away = false
    answers = 'good'
    hub.ledger.failNext = null
    for (const name of clusters) await play({ kind: 'join', cluster: clusters.indexOf(name) })
    const plainly = { strategy: { waves: [{ name: 'all', selector: {} }] }, start: true }
    // What nobody has held, so that what waits for it can go on.
    await play({ kind: 'commit', application: 'db', content: 9, leaves: null, ...plainly })
    for (let round = 0; round < 40; round += 1) {
      for (const at of clusters.keys()) await play({ kind: 'report', cluster: at, well: true })
      for (const app of applications) {
        for (const action of ['retry', 'resume'] as const) {
          await play({ kind: 'act', application: app, action, cluster: 0, actor: 'alice' })
        }
        for (const actor of ['alice', 'bob', 'carol', 'dora']) {
          await play({ kind: 'act', application: app, action: 'approve', cluster: 0, actor })
        }
        await play({ kind: 'notice', application: app })
      }
      await play({ kind: 'pass', ms: 5_000 })
      await play({ kind: 'sweep' })
      await play({ kind: 'ring' })
      if (moving().length === 0 && hub.wakes.jobs.size === 0) return
    }
  }

  /** Runs that have neither ended nor wait for a person's start. */
  function moving() {
    const { runs, plans } = hub.rollouts.state
    return [...runs.values()].filter(
      ({ id, phase }) =>
        !finalPhases.has(phase) && (phase !== 'Planned' || plans.get(id)?.starts === true),
    )
  }

  return {
    play,
    settle,
    text: disk.text,
    get state() {
      return hub.rollouts.state
    },
    get jobs() {
      return hub.wakes.jobs
    },
    moving,
    waitingFor: (id: string) => hub.rollouts.waitingFor(id),
    running: (name: string, app: string) => running.get(`${name}/${app}`),
    clusters,
    applications,
  }
}
