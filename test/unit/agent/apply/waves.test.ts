import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { LiveObject } from '../../../../agent/cluster/port.ts'
import { createConfig, createDeployment, createNamespace } from '../../../support/hands.ts'
import { settleAtOnce } from '../../../support/memory-cluster.ts'
import {
  presentApplication,
  removedApplication as removed,
  type TestObject,
} from '../../../support/verified-snapshot.ts'
import { createJob, createMemoryHands } from './memory-hands.ts'

const namespace = createNamespace('shop')
const wave = (number: number) => ({ 'argocd.argoproj.io/sync-wave': String(number) })
const after = (name: string) => ({
  'config.kubernetes.io/depends-on': `apps/namespaces/shop/Deployment/${name}`,
})

function server(name: string, annotations: Record<string, string>, image = 'web:1'): TestObject {
  const made = createDeployment('shop')
  const text = JSON.stringify({ ...made, metadata: { name, namespace: 'shop', annotations } })
  return JSON.parse(text.replace('web:1', image)) as TestObject
}
const idOf = (name: string) => `apps/Deployment/shop/${name}`
const shop = (objects: readonly TestObject[], generation = 1) =>
  presentApplication('shop', [namespace, ...objects], { generation, timeout: 60_000 })

/** Deployments get ready when the test says so. */
function createSlowHands() {
  const ready = new Set<string>()
  const settle = (object: LiveObject) =>
    object.kind !== 'Deployment' || ready.has(object.metadata.name) ? settleAtOnce(object) : object
  const hands = createMemoryHands({ settle })
  return Object.assign(hands, {
    async makeReady(name: string) {
      ready.add(name)
      if (hands.cluster.read(idOf(name))) hands.cluster.edit(idOf(name), 'controller', (o) => o)
      await hands.clock.advance(1_000)
    },
  })
}

describe('waves', () => {
  it('begin when all objects of the waves before are healthy', async () => {
    await using hands = createSlowHands()
    await hands.bring(
      shop([
        createConfig('shop', 'late', {}, wave(2)),
        server('web', wave(1)),
        server('db', wave(-1)),
      ]),
    )
    await hands.clock.advance(5_000)
    assert.deepEqual(hands.writes(), ['apply /Namespace//shop', `apply ${idOf('db')}`])
    assert.match(
      hands.state('shop')?.waiting ?? '',
      /^wave 1 waits for Deployment shop\/db, which is InProgress/,
    )
    await hands.makeReady('db')
    assert.deepEqual(hands.writes().slice(2), [`apply ${idOf('web')}`])
    await hands.makeReady('web')
    assert.deepEqual(hands.writes().slice(3), ['apply /ConfigMap/shop/late'])
    assert.equal(hands.state('shop')?.phase, 'Applied')
  })

  it('never begin after one that failed', async () => {
    await using hands = createMemoryHands({
      admit: ({ name }) => {
        if (name === 'db') throw new Error('refused')
      },
    })
    await hands.bring(shop([server('db', wave(0)), server('web', wave(1))]))
    await hands.clock.advance(60_000)
    assert.equal(hands.state('shop')?.phase, 'Failed')
    assert.equal(hands.cluster.read(idOf('web')), undefined)
  })

  it('that do not get healthy in time are a fault with the object and why', async () => {
    await using hands = createSlowHands()
    await hands.bring(shop([server('db', wave(0)), server('web', wave(1))]))
    await hands.clock.advance(70_000)
    const { phase, errors } = hands.state('shop')!
    assert.equal(phase, 'Failed')
    assert.equal(errors[0]?.code, 'not_ready')
    assert.match(errors[0].message, /wave 1 waits for Deployment shop\/db.*for 60 s by now/)
    await hands.makeReady('db')
    await hands.clock.advance(60_000)
    assert.ok(hands.cluster.read(idOf('web')))
  })

  it('do not keep drift from being put right, nor prune before the last one', async () => {
    await using hands = createSlowHands()
    await hands.makeReady('db')
    const old = createConfig('shop', 'old')
    await hands.bring(shop([server('db', wave(0)), old]))
    await hands.bring(
      shop([server('db', wave(0)), server('slow', wave(0)), server('web', wave(1))], 2),
    )
    await hands.clock.advance(5_000)
    assert.equal(hands.state('shop')?.phase, 'Applying')
    hands.cluster.drop(idOf('db'))
    await hands.clock.advance(5_000)
    assert.ok(hands.cluster.read(idOf('db')))
    assert.ok(hands.cluster.read('/ConfigMap/shop/old'))
    await hands.makeReady('slow')
    assert.equal(hands.cluster.read('/ConfigMap/shop/old'), undefined)
  })

  it('are waited for by nothing that is in sync', async () => {
    await using hands = createSlowHands()
    await hands.makeReady('db')
    await hands.makeReady('web')
    const app = () => shop([server('db', wave(0)), server('web', wave(1))])
    await hands.bring(app())
    assert.equal(hands.state('shop')?.phase, 'Applied')
    // Not healthy any more is not a reason to call applied content unapplied.
    hands.cluster.edit(idOf('db'), 'controller', (object) => ({
      ...object,
      metadata: { ...object.metadata, generation: 99 },
      status: {},
    }))
    await hands.bring(app())
    await hands.clock.advance(2_000)
    assert.equal(hands.state('shop')?.phase, 'Applied')
  })
})

describe('depends-on', () => {
  it('waits for the object it names, and for no other', async () => {
    await using hands = createSlowHands()
    await hands.bring(shop([server('web', after('db')), server('db', {}), server('free', {})]))
    await hands.clock.advance(2_000)
    assert.deepEqual(hands.writes().slice(1), [`apply ${idOf('db')}`, `apply ${idOf('free')}`])
    assert.match(
      hands.state('shop')?.waiting ?? '',
      /Deployment shop\/web waits for Deployment shop\/db/,
    )
    await hands.makeReady('db')
    assert.deepEqual(hands.writes().slice(3), [`apply ${idOf('web')}`])
    assert.equal(hands.state('shop')?.phase, 'Applied')
  })

  it('holds for any order without a circle, with everything applied in the end (property)', async () => {
    const graph = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 12 })
    const waves = fc.array(fc.integer({ min: -1, max: 1 }), { minLength: 6, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(graph, waves, async (edges, waves) => {
        // Later ones depend on earlier ones, of no later wave: no circle, no contradiction.
        const before = (at: number) =>
          edges
            .filter(([from, to]) => from === at && to < at && waves[to]! <= waves[at]!)
            .map(([, to]) => to)
        const objects = waves.map((number, at) => {
          const text = before(at)
            .map((to) => `apps/namespaces/shop/Deployment/d${to}`)
            .join()
          return server(`d${at}`, {
            ...wave(number),
            ...(text && { 'config.kubernetes.io/depends-on': text }),
          })
        })
        await using hands = createMemoryHands()
        await hands.bring(shop(objects))
        await hands.clock.advance(30_000)
        const order = hands.writes().map((call) => call.replace('apply ', ''))
        assert.equal(hands.state('shop')?.phase, 'Applied')
        for (const [at, number] of waves.entries()) {
          const mine = order.indexOf(idOf(`d${at}`))
          for (const to of before(at)) assert.ok(order.indexOf(idOf(`d${to}`)) < mine)
          for (const [other, its] of waves.entries()) {
            if (its < number) assert.ok(order.indexOf(idOf(`d${other}`)) < mine)
          }
        }
      }),
      { numRuns: 40 },
    )
  })
})

describe('objects that are not applied as usual', () => {
  const flux = (name: string, value: string) => ({
    [`kustomize.toolkit.fluxcd.io/${name}`]: value,
  })

  it('are left alone when they say so, and not pruned', async () => {
    await using hands = createMemoryHands()
    const config = (annotations: Record<string, string>, text: string) =>
      createConfig('shop', 'mine', { text }, annotations)
    await hands.bring(shop([createConfig('shop', 'other'), config({}, '1')]))
    await hands.bring(
      shop([createConfig('shop', 'other'), config(flux('reconcile', 'disabled'), '2')], 2),
    )
    await hands.clock.advance(10_000)
    assert.deepEqual(hands.cluster.read('/ConfigMap/shop/mine')?.['data'], { text: '1' })
    assert.equal(hands.state('shop')?.phase, 'Applied')
    assert.equal(hands.state('shop')?.objects, 2)
    // Nor when they leave Git, or their application does.
    await hands.bring(shop([createConfig('shop', 'other')], 3))
    assert.ok(hands.cluster.read('/ConfigMap/shop/mine'))
    await hands.bring(
      shop([createConfig('shop', 'other'), config(flux('reconcile', 'disabled'), '2')], 4),
    )
    await hands.bring(removed('shop', 'Delete', 5))
    assert.ok(hands.cluster.read('/ConfigMap/shop/mine'))
    assert.equal(hands.cluster.read('/ConfigMap/shop/other'), undefined)
  })

  it('keep hooks of a sync among the objects of its wave', async () => {
    await using hands = createMemoryHands()
    await hands.bring(
      shop([
        createConfig('shop', 'first'),
        createJob('check', { 'argocd.argoproj.io/hook': 'Sync' }),
        createConfig('shop', 'last', {}, wave(1)),
      ]),
    )
    await hands.clock.advance(2_000)
    assert.equal(hands.writes().at(-1), 'apply batch/Job/shop/check')
    hands.end('batch/Job/shop/check', 'Complete')
    await hands.clock.advance(2_000)
    assert.equal(hands.writes().at(-1), 'apply /ConfigMap/shop/last')
  })
})

describe('an application that is renamed', () => {
  it('F44: loses nothing while its new name waits: for a wave, a hook and another application', async () => {
    await using hands = createSlowHands()
    const objects = (image: string) => [
      createJob('migrate', { 'argocd.argoproj.io/hook': 'PreSync' }),
      server('db', wave(0), image),
      createConfig('shop', 'late', {}, wave(1)),
    ]
    await hands.makeReady('db')
    const named = (name: string, image: string, dependsOn: readonly { name: string }[] = []) =>
      presentApplication(name, [namespace, ...objects(image)], { generation: 2, dependsOn })
    await hands.bring(named('old', 'web:1'))
    hands.end('batch/Job/shop/migrate', 'Complete')
    await hands.clock.advance(2_000)
    assert.equal(hands.state('old')?.phase, 'Applied')
    const kept = () => [idOf('db'), '/ConfigMap/shop/late'].every((id) => hands.cluster.read(id))
    const renamed = named('new', 'web:2', [{ name: 'other' }])
    const other = presentApplication('other', [createConfig('shop', 'other')])
    await hands.bring(renamed, removed('old'))
    await hands.clock.advance(5_000)
    assert.equal(hands.state('new')?.waiting, 'waits for application other, which is not here')
    assert.ok(kept(), 'while it waits for another application')
    // The tombstone has been carried out by now, and is history.
    await hands.bring(renamed, other)
    await hands.clock.advance(2_000)
    assert.match(hands.state('new')?.waiting ?? '', /^pre hook Job shop\/migrate/)
    assert.ok(kept(), 'while its hook runs')
    hands.end('batch/Job/shop/migrate', 'Complete')
    await hands.clock.advance(2_000)
    assert.ok(kept())
    assert.equal(hands.state('new')?.phase, 'Applied')
    assert.ok(!hands.writes().some((call) => /^delete (apps|\/)/.test(call)))
  })
})

describe('dependsOn between applications', () => {
  const db = (generation = 1) =>
    presentApplication('db', [namespace, server('db', {})], { generation })
  const web = (generation = 1, text = '1') =>
    presentApplication('web', [createConfig('shop', 'web', { text })], {
      generation,
      dependsOn: [{ name: 'db' }],
    })

  it('waits until the other is healthy, and says so', async () => {
    await using hands = createSlowHands()
    await hands.bring(web(), db())
    await hands.clock.advance(5_000)
    assert.equal(hands.state('web')?.phase, 'Applying')
    assert.equal(hands.state('web')?.waiting, 'waits for application db, which is InProgress')
    assert.equal(hands.cluster.read('/ConfigMap/shop/web'), undefined)
    await hands.makeReady('db')
    assert.ok(hands.cluster.read('/ConfigMap/shop/web'))
    assert.equal(hands.state('web')?.phase, 'Applied')
  })

  it('goes by an expression where there is one, and says which', async () => {
    await using hands = createSlowHands()
    const wanting = (ready: string, generation: number) =>
      presentApplication('web', [createConfig('shop', 'web')], {
        generation,
        dependsOn: [{ name: 'db', ready }],
      })
    await hands.bring(wanting('dep.readyObjects >= 2', 1), db())
    await hands.clock.advance(1_000)
    assert.equal(
      hands.state('web')?.waiting,
      'waits for application db, of which is to be true: dep.readyObjects >= 2',
    )
    // It may ask for less than health.
    const app = wanting("dep.readyObjects >= 1 && self.name == 'web'", 2)
    await hands.bring({ ...app, manifestDigest: digestOf('other') }, db())
    await hands.clock.advance(1_000)
    assert.equal(hands.state('web')?.phase, 'Applied')
  })

  it('waits for one that is not there, and not for one it no longer needs', async () => {
    await using hands = createSlowHands()
    await hands.makeReady('db')
    await hands.bring(web())
    await hands.clock.advance(5_000)
    assert.equal(hands.state('web')?.waiting, 'waits for application db, which is not here')
    await hands.bring(web(), db())
    await hands.clock.advance(1_000)
    assert.equal(hands.state('web')?.phase, 'Applied')
    hands.cluster.edit(idOf('db'), 'controller', (object) => ({ ...object, status: {} }))
    hands.cluster.drop('/ConfigMap/shop/web')
    await hands.clock.advance(2_000)
    assert.ok(hands.cluster.read('/ConfigMap/shop/web'), 'a repair waits for nobody')
    assert.equal(hands.state('web')?.phase, 'Applied')
  })
})

describe('a Namespace that several applications ask for', () => {
  const app = (name: string, data: Record<string, string> = {}) =>
    presentApplication(name, [createNamespace('shop'), createConfig('shop', name, data)])
  const home = '/Namespace//shop'
  const label = (object: { metadata: { labels?: Readonly<Record<string, string>> } } | undefined) =>
    object?.metadata.labels?.['groundswell.dev/application']

  it('in the same words is made and healed by one, and enough for the others', async () => {
    await using hands = createMemoryHands()
    const { cluster, clock } = hands
    await hands.bring(app('a'), app('b'), app('c'))
    for (const name of ['a', 'b', 'c']) {
      assert.deepEqual([hands.state(name)?.phase, hands.state(name)?.errors], ['Applied', []])
    }
    const owner = label(cluster.read(home))!
    const writes = () => hands.writes().filter((call) => call === `apply ${home}`).length
    const before = writes()
    // Nothing is written again for it, and its drift is its owner's.
    await hands.bring(app('a', { x: '1' }), app('b', { x: '1' }), app('c', { x: '1' }))
    assert.equal(writes(), before)
    cluster.edit(home, 'someone', (object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: {} },
    }))
    await clock.advance(1_000)
    assert.deepEqual(cluster.read(home)?.metadata.annotations, { 'groundswell.dev/cluster': 'c1' })
    assert.equal(label(cluster.read(home)), owner)
    // It stays for the others when its owner goes, and becomes theirs with their next content.
    const rest = ['a', 'b', 'c'].filter((name) => name !== owner)
    await hands.bring(removed(owner), ...rest.map((name) => app(name, { x: '1' })))
    await clock.advance(1_000)
    assert.ok(cluster.read(home))
    await hands.bring(removed(owner), ...rest.map((name) => app(name, { x: '2' })))
    assert.ok(rest.includes(label(cluster.read(home)) ?? ''))
    for (const name of rest) assert.equal(hands.state(name)?.phase, 'Applied')
  })

  it('F45: in other words is refused to the second, and the first goes on healing it', async () => {
    await using hands = createMemoryHands()
    const labelled = { ...createNamespace('shop'), metadata: { name: 'shop', labels: { x: 'y' } } }
    const first = presentApplication('a', [labelled])
    await hands.bring(first, app('b'))
    assert.deepEqual(
      hands.state('b')?.errors.map(({ code }) => code),
      ['owned_by_other'],
    )
    hands.cluster.edit(home, 'someone', (object) => ({
      ...object,
      metadata: { ...object.metadata, labels: { ...object.metadata.labels, x: 'z' } },
    }))
    await hands.clock.advance(1_000)
    assert.equal(hands.cluster.read(home)?.metadata.labels?.['x'], 'y')
  })
})
