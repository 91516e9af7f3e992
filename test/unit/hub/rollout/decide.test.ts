import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../../../hub/errors.ts'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import { loadFleet } from '../../../../hub/fleet/load.ts'
import { resolveTargets } from '../../../../hub/fleet/resolve.ts'
import { addRollout, putAssignment } from '../../../../hub/ledger/by-application.ts'
import { emptyState } from '../../../../hub/ledger/replay.ts'
import type { Contents } from '../../../../hub/render/contents.ts'
import type { CreateOptions, Rollouts } from '../../../../hub/rollout/advance.ts'
import { createDeciding, type DecideDeps } from '../../../../hub/rollout/decide.ts'
import { createRun } from '../../../../hub/rollout/plan.ts'
import type { ClusterProgress, Content, RolloutPlan } from '../../../../hub/rollout/rollout.ts'
import { good, old, plan, target, wave } from './world.ts'

const fleetRevision = `main@sha1:${'f'.repeat(40)}`

/** A fleet of clusters and applications that run everywhere, unless `spec` says otherwise. */
function fleetOf(
  clusters: readonly string[],
  applications: Readonly<Record<string, string>>,
): Fleet {
  const api = 'apiVersion: groundswell.dev/v1alpha1'
  const documents = [
    ...clusters.map((text) => {
      const [name, spec = '{}'] = text.split('/')
      return `${api}\nkind: Cluster\nmetadata: { name: ${name} }\nspec: ${spec}\n`
    }),
    ...Object.entries(applications).map(
      ([name, spec]) =>
        `${api}\nkind: Application\nmetadata: { name: ${name} }\nspec: { source: { path: ${name} }, targets: [{ clusterSelector: {} }]${spec} }\n`,
    ),
  ]
  return loadFleet(fleetRevision, [
    { path: 'fleet.yaml', bytes: Buffer.from(documents.join('---\n')) },
  ])
}

/** What rendering that fleet gives: the same content everywhere; `failed` applications are left out. */
function contentsOf(
  fleet: Fleet,
  content: Content = good,
  failed: readonly string[] = [],
): Contents {
  const { targets, skipped } = resolveTargets(fleet)
  const applications = new Map(
    [...fleet.applications.keys()]
      .filter((name) => !failed.includes(name))
      .map((name) => {
        const mine = targets.filter(({ application }) => application === name)
        return [name, new Map(mine.map(({ cluster }) => [cluster, content]))] as const
      }),
  )
  const left = new Map<string, Set<string>>()
  for (const { application, cluster } of skipped) {
    left.set(application, (left.get(application) ?? new Set()).add(cluster))
  }
  const faults = failed.map((name) => ({ object: `Application ${name}`, message: 'broken' }))
  return { applications, faults, warnings: [], skipped: left }
}

function world(enrolled: readonly string[] = ['a', 'b', 'c'], rest: Partial<DecideDeps> = {}) {
  const state = emptyState()
  for (const cluster of enrolled) {
    state.enrolments.set(cluster, {
      cluster,
      clusterId: `id-${cluster}`,
      clusterUid: cluster,
      boundKey: '',
      enrolledAt: 0,
    })
  }
  const created: { plan: RolloutPlan; start: boolean }[] = []
  const acted: [string, string][] = []
  const rollouts: Pick<Rollouts, 'create' | 'act'> = {
    async create(plan: RolloutPlan, { start }: CreateOptions) {
      created.push({ plan, start })
      return { plan, run: createRun(plan) }
    },
    async act(id, action) {
      acted.push([id, action.kind])
      return { plan: state.plans.get(id)!, run: state.runs.get(id)! }
    },
  }
  const released: string[] = []
  let ids = 0
  const deciding = createDeciding({
    state,
    rollouts,
    connected: () => true,
    describe: async () => ({ author: 'Ada', subject: 'Make it better' }),
    deletionPolicy: async () => 'Delete',
    release: async (application) => released.push(application),
    offlineGrace: 30_000,
    clock: () => 42,
    newId: () => `r${(ids += 1)}`,
    ...rest,
  })
  return {
    state,
    deciding,
    created,
    acted,
    released,
    assign(application: string, content: Content, ...clusters: string[]) {
      for (const cluster of clusters) {
        putAssignment(state, { ...content, cluster, application, generation: 1, rollout: 'r0' })
      }
    },
    summary: () =>
      created.map(({ plan, start }) => [
        plan.application,
        Object.entries(plan.targets)
          .map(([name, { digest }]) => (digest ? name : `-${name}`))
          .join(' '),
        start,
      ]),
  }
}

describe('decide', () => {
  test('plans and starts what differs, and says who asked for it', async () => {
    const { deciding, created, assign, summary } = world()
    const fleet = fleetOf(['a', 'b', 'c'], { shop: '', web: '' })
    assign('shop', old, 'a', 'b')
    assign('web', good, 'a', 'b', 'c')
    assert.deepEqual(await deciding.decide(fleet, contentsOf(fleet)), [])
    assert.deepEqual(summary(), [['shop', 'a b c', true]])
    const { plan } = created[0]!
    assert.deepEqual(plan.trigger, { kind: 'commit', actor: 'Ada', reason: 'Make it better' })
    assert.deepEqual(
      [plan.revision, plan.fleetRevision, plan.createdAt],
      [good.revision, fleetRevision, 42],
    )
    assert.equal(plan.targets['a']?.previous?.digest, old.digest)
    assert.equal(plan.targets['c']?.previous, null)
  })

  test('a hold ends when Git asks for something else, and only then', async () => {
    const { deciding, state, released, assign } = world(['a', 'b'])
    const bad = target(old, { ...good, digest: digestOf('bad') })
    const rolledBack = plan([wave('all', ['a', 'b'])], { targets: { a: bad, b: bad } })
    const ended = { phase: 'RolledBack', finishedAt: 1 } as const
    addRollout(state, rolledBack, { ...createRun(rolledBack), ...ended })
    const { contentDigest, id } = rolledBack
    const hold = { application: 'shop', contentDigest, revision: 'bad', rollout: id, at: 1 }
    state.holds.set('shop', { ...hold, reason: 'it broke' })
    assign('shop', old, 'a', 'b')
    const fleet = fleetOf(['a', 'b'], { shop: '' })
    await deciding.decide(fleet, contentsOf(fleet, bad))
    assert.deepEqual(released, [], 'Git still asks for it')
    await deciding.decide(fleet, contentsOf(fleet, old))
    assert.deepEqual(released, ['shop'], 'it was reverted')
  })

  test('clusters that are not enrolled, revoked, suspended or not declared get nothing', async () => {
    const { deciding, state, summary, assign } = world(['a', 'b', 'c', 'gone'])
    state.revoked.set('b', 'stolen')
    assign('shop', old, 'a', 'b', 'c', 'gone')
    const fleet = fleetOf(['a', 'b', 'c/{suspend: true}', 'new'], { shop: '' })
    await deciding.decide(fleet, contentsOf(fleet))
    assert.deepEqual(summary(), [['shop', 'a', true]])
  })

  test('a suspended application is left alone, whatever runs of it', async () => {
    const { deciding, summary, assign } = world()
    assign('shop', old, 'a', 'b', 'c')
    const fleet = fleetOf(['a', 'b', 'c'], { shop: ', suspend: true' })
    assert.deepEqual(await deciding.decide(fleet, contentsOf(fleet)), [])
    assert.deepEqual(summary(), [])
  })

  test('I4 an application that cannot be rendered is left alone, and stops no other', async () => {
    const { deciding, summary, assign } = world()
    assign('shop', old, 'a', 'b', 'c')
    const fleet = fleetOf(['a', 'b', 'c'], { shop: '', web: '' })
    await deciding.decide(fleet, contentsOf(fleet, good, ['shop']))
    assert.deepEqual(summary(), [['web', 'a b c', true]])
  })

  test('a fault of one application is told with its name, and stops no other', async () => {
    const { deciding, summary } = world(undefined, {
      async describe(application) {
        if (application === 'bank') throw new TypeError('no such commit')
        if (application !== 'shop') return { author: 'Ada', subject: '' }
        throw new HubError('plan_invalid', 'two', {
          faults: [{ message: 'one' }, { message: 'two' }],
        })
      },
    })
    const fleet = fleetOf(['a'], { bank: '', shop: '', web: '' })
    const faults = await deciding.decide(fleet, contentsOf(fleet))
    assert.deepEqual(faults, [
      { object: 'Application bank', message: 'no such commit' },
      { object: 'Application shop', message: 'one' },
      { object: 'Application shop', message: 'two' },
    ])
    assert.deepEqual(summary(), [['web', 'a', true]])
  })

  test('I4 an application whose targets select nothing any more keeps running, and that is said', async () => {
    const { deciding, summary, assign } = world()
    assign('shop', old, 'a', 'b')
    const fleet = fleetOf(['a', 'b'], { shop: '' })
    const contents = { ...contentsOf(fleet), applications: new Map([['shop', new Map()]]) }
    const [fault] = await deciding.decide(fleet, contents)
    assert.match(fault!.message, /select no cluster, but it runs on 2; nothing is removed/)
    assert.deepEqual(summary(), [])
  })

  test('an application that left Git is removed where it runs', async () => {
    const { deciding, summary, assign } = world()
    for (const name of ['shop', 'web', 'bank']) assign(name, good, 'a', 'b')
    const fleet = fleetOf(['a', 'b'], { web: '', bank: '' })
    assert.deepEqual(await deciding.decide(fleet, contentsOf(fleet)), [])
    assert.deepEqual(summary(), [['shop', '-a -b', true]])
  })

  test('a tombstone carries what the manifest it takes away asked for', async () => {
    const asked: [string, Digest][] = []
    const { deciding, created, assign } = world(undefined, {
      async deletionPolicy(cluster, manifest) {
        asked.push([cluster, manifest])
        return 'Orphan'
      },
    })
    assign('shop', old, 'a')
    assign('web', good, 'a')
    const fleet = fleetOf(['a'], { web: '' })
    await deciding.decide(fleet, contentsOf(fleet))
    assert.deepEqual(asked, [['a', old.digest]])
    assert.equal(created[0]?.plan.targets['a']?.deletionPolicy, 'Orphan')
  })

  test('I4 a tombstone is asked for with what other applications are to get there, and have not', async () => {
    const asked: [string, readonly Digest[]][] = []
    const { deciding, assign } = world(undefined, {
      async deletionPolicy(cluster, _, heirs) {
        asked.push([cluster, heirs])
        return 'Delete'
      },
    })
    assign('shop', old, 'a', 'b', 'c')
    assign('bank', good, 'a', 'b', 'c')
    assign('web', good, 'a')
    assign('web', old, 'b')
    const fleet = fleetOf(['a', 'b', 'c'], { web: '', bank: '' })
    await deciding.decide(fleet, contentsOf(fleet))
    // Once for those alike.
    assert.deepEqual(asked, [
      ['a', []],
      ['b', [good.digest]],
    ])
  })

  test('I4 nothing is removed when nobody can tell what is to become of its objects', async () => {
    const { deciding, summary, assign } = world(undefined, {
      deletionPolicy: async () => Promise.reject(new HubError('content_missing', 'lost')),
    })
    assign('shop', old, 'a')
    assign('web', good, 'a')
    const fleet = fleetOf(['a'], { web: '' })
    const faults = await deciding.decide(fleet, contentsOf(fleet))
    assert.deepEqual(faults, [{ object: 'Application shop', message: 'lost' }])
    assert.deepEqual(summary(), [])
  })

  test('I4 when most applications are gone at once their removal waits for a person', async () => {
    const { deciding, summary, assign } = world()
    for (const name of ['shop', 'web', 'bank']) assign(name, old, 'a')
    const fleet = fleetOf(['a'], { web: '' })
    const [fault] = await deciding.decide(fleet, contentsOf(fleet))
    assert.match(fault!.message, /2 of 3 applications are gone from Git.*waits/)
    assert.deepEqual(summary(), [
      ['web', 'a', true],
      ['bank', '-a', false],
      ['shop', '-a', false],
    ])
  })

  test('an empty fleet repository removes nothing by itself', async () => {
    const { deciding, summary, assign } = world()
    for (const name of ['shop', 'web']) assign(name, old, 'a')
    const declared = fleetOf(['a'], {})
    await deciding.decide(declared, contentsOf(declared))
    assert.ok(summary().every(([, , start]) => start === false))
    const nothing = world()
    nothing.assign('shop', old, 'a')
    const empty = fleetOf([], {})
    await nothing.deciding.decide(empty, contentsOf(empty))
    assert.deepEqual(nothing.summary(), [])
  })

  test('a rollout in hand is waited for, or withdrawn when Git asks for what runs', async () => {
    const { deciding, state, acted, summary, assign } = world()
    const active = plan([wave('one', ['a'])], { id: 'r9', targets: { a: target(old, good) } })
    addRollout(state, active, { ...createRun(active), phase: 'Progressing', startedAt: 1 })
    assign('shop', old, 'a')
    const fleet = fleetOf(['a'], { shop: '' })
    await deciding.decide(fleet, contentsOf(fleet, good))
    assert.deepEqual([acted, summary()], [[], []])
    await deciding.decide(fleet, contentsOf(fleet, old))
    assert.deepEqual([acted, summary()], [[['r9', 'supersede']], []])
  })
})

describe('a rollout that a person has paused', () => {
  const [bad, fixed] = [good, { ...good, digest: digestOf('fixed') }]
  const begun = (clusters: Record<string, ClusterProgress>) => {
    const made = world(['a', 'b'])
    const targets = { a: target(old, bad), b: target(old, bad) }
    const active = plan([wave('one', ['a']), wave('two', ['b'])], { id: 'r9', targets })
    const run = { ...createRun(active), phase: 'Paused', startedAt: 1 } as const
    addRollout(made.state, active, { ...run, clusters: { ...run.clusters, ...clusters } })
    made.assign('shop', bad, 'a')
    made.assign('shop', old, 'b')
    return made
  }
  const soaking: ClusterProgress = {
    ...{ state: 'Soaking', generation: 1, offeredAt: 0, healthySince: 0 },
  }

  // A label that a colleague changed set it going again.
  test('is not gone on with by a commit beside it: the new plan waits, and that is said', async () => {
    const { deciding, summary } = begun({ a: soaking })
    const fleet = fleetOf(['a', 'b'], { shop: '' })
    const contents = contentsOf(fleet, bad)
    const shop = new Map([
      ['a', bad],
      ['b', fixed],
    ])
    const [fault] = await deciding.decide(fleet, {
      ...contents,
      applications: new Map([['shop', shop]]),
    })
    assert.match(fault!.message, /rollout r9 was paused by a person.*`swell rollout begin r1`/)
    assert.deepEqual(summary(), [['shop', 'a b', false]])
  })

  test('is followed by what waits behind it, once the person has it go on, and not when it was aborted', async () => {
    for (const phase of ['Paused', 'Aborted', 'RolledBack', 'Progressing', 'Succeeded'] as const) {
      const { deciding, state, acted } = begun({ a: soaking })
      const targets = { a: target(old, bad), b: target(old, fixed) }
      const next = plan([wave('all', ['a', 'b'])], { id: 'r10', targets, behind: 'r9' })
      addRollout(state, next, createRun(next))
      state.runs.set('r9', { ...state.runs.get('r9')!, phase })
      const fleet = fleetOf(['a', 'b'], { shop: '' })
      const shop = new Map([
        ['a', bad],
        ['b', fixed],
      ])
      const contents = { ...contentsOf(fleet), applications: new Map([['shop', shop]]) }
      assert.deepEqual(await deciding.decide(fleet, contents), [])
      const goesOn = phase === 'Progressing' || phase === 'Succeeded'
      assert.deepEqual(acted, goesOn ? [['r10', 'start']] : [], phase)
    }
  })

  test('gives way at once to a commit that brings everybody something else', async () => {
    const { deciding, summary } = begun({ a: soaking })
    const fleet = fleetOf(['a', 'b'], { shop: '' })
    assert.deepEqual(await deciding.decide(fleet, contentsOf(fleet, fixed)), [])
    assert.deepEqual(summary(), [['shop', 'a b', true]])
  })
})

describe('plan', () => {
  test('by a person’s word is kept as theirs, and takes in what failed before', async () => {
    const { deciding, state, assign } = world()
    const failed = plan([wave('one', ['a'])], { targets: { a: target(old, good) } })
    const outcome = { state: 'Done', outcome: 'Failed', generation: 1, at: 0, message: '' } as const
    addRollout(state, failed, { ...createRun(failed), phase: 'Failed', clusters: { a: outcome } })
    assign('shop', old, 'a')
    const fleet = fleetOf(['a'], { shop: '' })
    const contents = contentsOf(fleet)
    await deciding.decide(fleet, contents)
    const made = await deciding.plan(fleet, contents, 'shop', 'bob', 'try again')
    assert.deepEqual(made?.trigger, { kind: 'api', actor: 'bob', reason: 'try again' })
    assert.deepEqual(Object.keys(made.targets), ['a'])
  })

  test('is null when everything is as Git asks, and refused with its faults when it cannot be rendered', async () => {
    const { deciding, assign } = world()
    assign('shop', good, 'a')
    const fleet = fleetOf(['a'], { shop: '' })
    assert.equal(await deciding.plan(fleet, contentsOf(fleet), 'shop', 'bob', ''), null)
    await assert.rejects(
      deciding.plan(fleet, contentsOf(fleet, good, ['shop']), 'shop', 'bob', ''),
      {
        code: 'render_failed',
        faults: [{ object: 'Application shop', message: 'broken' }],
      },
    )
  })
})
