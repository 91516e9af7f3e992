import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Fleet } from '../../../../../hub/fleet/fleet.ts'
import { loadFleet } from '../../../../../hub/fleet/load/load.ts'
import { addRollout } from '../../../../../hub/ledger/by-application.ts'
import { emptyState, type LedgerState } from '../../../../../hub/ledger/replay.ts'
import { type PastWave, estimateRollout } from '../../../../../hub/rollout/estimate/estimate.ts'
import { foretellEnd, leftOf } from '../../../../../hub/rollout/estimate/eta.ts'
import { foresee } from '../../../../../hub/rollout/estimate/foresight.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import type {
  ClusterProgress,
  RolloutPlan,
  RolloutRun,
} from '../../../../../hub/rollout/rollout.ts'
import { plan, wave } from '../world.ts'

const api = 'apiVersion: groundswell.dev/v1alpha1'
const at = (text: string) => Date.parse(text)
const hour = 3_600_000

function fleetOf(...documents: readonly string[]): Fleet {
  const bytes = Buffer.from(documents.map((text) => `${api}\n${text}\n`).join('---\n'))
  return loadFleet(`main@sha1:${'f'.repeat(40)}`, [{ path: 'fleet.yaml', bytes }])
}

const cluster = (name: string, spec = '{}') =>
  `kind: Cluster\nmetadata: { name: ${name} }\nspec: ${spec}`
const application = (name: string, rest = '') =>
  `kind: Application\nmetadata: { name: ${name} }\nspec: { source: { path: ${name} }, targetNamespace: n, targets: [{ clusterSelector: {} }]${rest} }`
const project = (windows: string) =>
  `kind: Project\nmetadata: { name: default }\nspec: { sources: [{ repository: fleet }], destinations: [{ clusterSelector: {}, namespaces: ["*"] }], windows: [${windows}] }`
const nights = '{ kind: allow, schedule: "0 22 * * *", duration: 8h }'
const freeze = '{ kind: deny, schedule: "0 0 20 12 *", duration: 48h }'

const planned = plan([wave('canary', ['a']), wave('rest', ['b', 'c'], { maxConcurrent: 1 })])
const past: PastWave[][] = [
  [
    { wave: 'canary', batch: hour },
    { wave: 'rest', batch: 2 * hour },
  ],
]

function estimate(fleet: Fleet, now: string, made: RolloutPlan = planned, state = emptyState()) {
  const found = estimateRollout(made, past, foresee({ fleet, state, now: at(now) }, made))
  const hours = (time: number | null) => (time === null ? null : time / hour)
  return {
    typical: hours(found.typical),
    withheld: hours(found.withheld),
    waves: found.waves.map(({ typical }) => hours(typical)),
    uncounted: found.uncounted,
  }
}

describe('windows that are to come', () => {
  const three = [cluster('a'), cluster('b'), cluster('c'), application('shop')]

  test('are counted: until the first opens, and over the day when it closes in between', () => {
    const fleet = fleetOf(...three, project(nights))
    // Ten hours until 22:00; canary until 23:00; b until 1:00 and c until 3:00.
    assert.deepEqual(estimate(fleet, '2026-07-01T12:00:00Z'), {
      ...{ typical: 15, withheld: 10, waves: [11, 4], uncounted: [] },
    })
    // Canary until 5:30; b begins before 6:00; c waits until 22:00.
    assert.deepEqual(estimate(fleet, '2026-07-01T04:30:00Z'), {
      ...{ typical: 19.5, withheld: 14.5, waves: [1, 18.5], uncounted: [] },
    })
  })

  test('of a freeze are waited out', () => {
    const fleet = fleetOf(...three, project(freeze))
    assert.equal(estimate(fleet, '2026-12-20T12:00:00Z').withheld, 36)
    assert.equal(estimate(fleet, '2026-12-23T12:00:00Z').withheld, 0)
  })

  test('of one cluster keep only that one back', () => {
    const own = cluster('b', `{ windows: [${nights}] }`)
    const fleet = fleetOf(cluster('a'), own, cluster('c'), application('shop'))
    // Canary until 13:00, c until 15:00, b from 22:00 until midnight.
    assert.deepEqual(estimate(fleet, '2026-07-01T12:00:00Z'), {
      ...{ typical: 12, withheld: 7, waves: [1, 11], uncounted: [] },
    })
  })

  test('that never open together are told', () => {
    const days = cluster(
      'a',
      '{ windows: [{ kind: allow, schedule: "0 10 * * *", duration: 1h }] }',
    )
    const fleet = fleetOf(days, ...three.slice(1), project(nights))
    const { typical, uncounted } = estimate(fleet, '2026-07-01T12:00:00Z')
    assert.equal(typical, null)
    assert.deepEqual(uncounted, ['a window for wave canary: nobody can tell when it opens'])
  })

  // It took a minute for each look at a rollout, in which the hub did nothing else.
  test('of a freeze that begins anew each minute are told at once', { timeout: 5_000 }, () => {
    const endless = '{ kind: deny, schedule: "* * * * *", duration: 336h, timeZone: Europe/Berlin }'
    const fleet = fleetOf(...three, project(endless))
    const { typical, uncounted } = estimate(fleet, '2026-07-01T12:00:00Z')
    assert.equal(typical, null)
    assert.deepEqual(uncounted, ['a window for wave canary: nobody can tell when it opens'])
  })

  test('move the end of a rollout that is under way and waits for one', () => {
    const fleet = fleetOf(...three, project(nights))
    const now = at('2026-07-01T07:00:00Z')
    const done = { ...{ state: 'Done', outcome: 'Succeeded' }, generation: 1, at: now, message: '' }
    const run: RolloutRun = {
      ...createRun(planned),
      ...{ phase: 'Progressing', wave: 1, waveStartedAt: at('2026-07-01T03:00:00Z') },
      clusters: { a: done as ClusterProgress, b: done as ClusterProgress, c: { state: 'Pending' } },
    }
    const ahead = foresee({ fleet, state: emptyState(), now }, planned)
    const eta = foretellEnd(planned, run, past, { ...ahead, now })
    assert.equal(eta?.typical, at('2026-07-02T00:00:00Z'))
  })
})

describe('applications that come first', () => {
  const documents = [
    ...[cluster('a'), cluster('b'), cluster('c'), application('db')],
    application('shop', ', dependsOn: [{ name: db }]'),
  ]
  const shop = { ...planned, application: 'shop' }
  const now = '2026-07-01T12:00:00Z'

  /** Database `db` has a rollout under way that took two hours a wave before, or has none. */
  function world(phase: RolloutRun['phase'] | null): LedgerState {
    const state = emptyState()
    if (!phase) return state
    const db = (id: string) =>
      plan([wave('one', ['a']), wave('two', ['b', 'c'])], { id, application: 'db' })
    const add = (made: RolloutPlan, run: Partial<RolloutRun>) => {
      addRollout(state, made, { ...createRun(made), ...run })
    }
    const end = (time: number): ClusterProgress => ({
      ...{ state: 'Done', outcome: 'Succeeded' },
      ...{ generation: 1, at: time, message: '' },
    })
    const ended = { a: end(2 * hour), b: end(4 * hour), c: end(4 * hour) }
    add(db('d1'), { phase: 'Succeeded', clusters: ended })
    const starts = new Map([
      [0, 0],
      [1, 2 * hour],
    ])
    state.waveTimes.set('d1', { starts, idle: new Map(), inFlight: 0, idleSince: 0 })
    const started = { wave: 0, waveStartedAt: at(now) }
    const offered = { state: 'Offered', generation: 2, offeredAt: at(now) } as const
    const clusters = { a: offered, b: { state: 'Pending' }, c: { state: 'Pending' } } as const
    add(db('d2'), { phase, ...started, clusters })
    return state
  }

  test('are waited for as long as their own rollouts take, wave by wave', () => {
    // db is on a at 14:00 and on b and c at 16:00.
    assert.deepEqual(estimate(fleetOf(...documents), now, shop, world('Progressing')), {
      ...{ typical: 8, withheld: 3, waves: [3, 5], uncounted: [] },
    })
  })

  test('are named where nobody knows when they are there', () => {
    for (const state of [world(null), world('Paused')]) {
      const { typical, uncounted } = estimate(fleetOf(...documents), now, shop, state)
      assert.deepEqual([typical, uncounted], [5, ['application db, which comes first']])
    }
  })

  test('say nothing of clusters that were offered it already', () => {
    const fleet = fleetOf(...documents)
    const clusters = Object.fromEntries(
      ['a', 'b', 'c'].map((name): [string, ClusterProgress] => [
        name,
        { state: 'Offered', generation: 1, offeredAt: 0 },
      ]),
    )
    const left = leftOf(shop, { ...createRun(shop), clusters })
    const { uncounted } = foresee({ fleet, state: emptyState(), now: at(now) }, left)
    assert.deepEqual(uncounted, [])
  })

  test('are named where the same change rolls them out', () => {
    const fleet = fleetOf(...documents)
    const deps = { fleet, state: emptyState(), now: at(now), besides: new Set(['db']) }
    assert.deepEqual(foresee(deps, shop).uncounted, ['application db, which comes first'])
  })
})
