import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Sparing } from '@groundswell/proto/statement.ts'
import { createInventoryStore } from '../../../../../agent/apply/inventory/inventory-store.ts'
import { AgentError } from '../../../../../agent/errors.ts'
import { createConfig, createDeployment, createNamespace } from '../../../../support/hands.ts'
import { createMemoryCluster, type MemoryCluster } from '../../../../support/memory-cluster.ts'
import {
  presentApplication,
  removedApplication,
  type TestObject,
} from '../../../../support/verified-snapshot.ts'
import { createMemoryHands } from '../memory-hands.ts'
import { ownerIn, putBefore } from '../put-before.ts'

const idOf = (name: string) => `/ConfigMap/shop/${name}`
const configs = (...names: string[]) => names.map((name) => createConfig('shop', name))
const home = presentApplication('home', [createNamespace('shop')])
const usual = { enabled: true, allowEmpty: false }

describe('what an application wants no more and others are to get', () => {
  it('stays as it is, costs no error and no cap, and is told once', async () => {
    await using hands = createMemoryHands()
    await hands.bring(home, presentApplication('shop', configs('a', 'b', 'c', 'd', 'e', 'f', 'g')))
    const leave = ['a', 'b', 'c', 'd', 'e', 'f'].map(idOf)
    await hands.bring(home, presentApplication('shop', configs('g'), { generation: 2, leave }))
    await hands.clock.advance(5_000)
    const { phase, errors, health, driftedObjects, waiting } = hands.state('shop')!
    assert.deepEqual(
      [phase, errors, health, driftedObjects, waiting],
      ['Applied', [], 'Current', 0, undefined],
    )
    assert.deepEqual(
      hands.writes().filter((call) => !call.startsWith('apply')),
      [],
    )
    assert.equal(ownerIn(hands.cluster, idOf('a')), 'shop')
    await hands.bring(home, presentApplication('shop', configs('g', 'h'), { generation: 3, leave }))
    assert.equal(hands.logs.length, 1)
    assert.match(JSON.stringify(hands.logs), /ConfigMap shop\/a \(another application is to get/)
  })

  it('goes with the next content that does not leave it', async () => {
    await using hands = createMemoryHands()
    await hands.bring(home, presentApplication('shop', configs('a', 'b')))
    const second = { generation: 2, leave: [idOf('a')] }
    await hands.bring(home, presentApplication('shop', configs('b'), second))
    assert.ok(hands.cluster.read(idOf('a')))
    await hands.bring(home, presentApplication('shop', configs('b', 'c'), { generation: 3 }))
    assert.equal(hands.cluster.read(idOf('a')), undefined)
  })

  it('is not touched any more by the first when another application has it', async () => {
    await using hands = createMemoryHands()
    const other = presentApplication('other', configs('a'))
    const cut = (generation: number, ...names: string[]) =>
      presentApplication('shop', configs(...names), { generation, leave: [idOf('a')] })
    await hands.bring(home, presentApplication('shop', configs('a', 'b')))
    await hands.bring(home, cut(2, 'b'))
    const uid = hands.cluster.read(idOf('a'))?.metadata.uid
    await hands.bring(home, cut(2, 'b'), other)
    assert.equal(ownerIn(hands.cluster, idOf('a')), 'other')
    await hands.bring(home, cut(3, 'b', 'c'), other)
    await hands.bring(home, presentApplication('shop', configs('c'), { generation: 4 }), other)
    assert.deepEqual(
      [hands.cluster.read(idOf('a'))?.metadata.uid, ownerIn(hands.cluster, idOf('a'))],
      [uid, 'other'],
    )
  })

  it('keeps its namespace, without a word', async () => {
    await using hands = createMemoryHands()
    const all = [createNamespace('shop'), ...configs('a', 'b')]
    await hands.bring(presentApplication('shop', all))
    const changes = { generation: 2, leave: [idOf('a')], prune: { ...usual, allowEmpty: true } }
    await hands.bring(presentApplication('shop', [], changes))
    assert.deepEqual(hands.state('shop')?.errors, [])
    assert.ok(hands.cluster.read('/Namespace//shop'))
    assert.ok(hands.cluster.read(idOf('a')))
    assert.equal(hands.cluster.read(idOf('b')), undefined)
  })

  it('is nothing that is still to be done: the application waits for nobody because of it', async () => {
    await using hands = createMemoryHands()
    const dependent = (generation: number, sparing: Sparing, ...names: string[]) =>
      presentApplication('shop', configs(...names), {
        ...{ generation, dependsOn: [{ name: 'first' }], ...sparing },
      })
    const first = (name: string) => presentApplication('first', configs(name))
    await hands.bring(home, first('x'), dependent(1, {}, 'a', 'b'))
    await hands.clock.advance(5_000)
    assert.ok(hands.cluster.read(idOf('a')))
    const cut = dependent(2, { leave: [idOf('a')] }, 'b')
    await hands.bring(home, first('x'), cut)
    await hands.bring(home, removedApplication('first'), cut)
    hands.cluster.drop(idOf('b'))
    await hands.clock.advance(5_000)
    assert.ok(hands.cluster.read(idOf('b')), 'it was run again')
    const { phase, waiting } = hands.state('shop')!
    assert.deepEqual([phase, waiting], ['Applied', undefined])
  })

  it('is let go to others whatever is said of it, and of a hook as well', async () => {
    await using hands = createMemoryHands()
    const hook = createConfig('shop', 'h', {}, { 'argocd.argoproj.io/hook': 'PreSync' })
    await hands.bring(home, presentApplication('shop', [...configs('a', 'b'), hook]))
    const leave = [idOf('a'), idOf('h')]
    await hands.bring(
      home,
      presentApplication('shop', configs('b'), { generation: 2, leave }),
      presentApplication('other', configs('a')),
    )
    assert.equal(ownerIn(hands.cluster, idOf('a')), 'other')
    assert.ok(hands.cluster.read(idOf('h')))
    const store = createInventoryStore(hands.cluster)
    const kept = await store.load('shop', new AbortController().signal)
    assert.deepEqual([...kept.keys()].sort(), [idOf('b'), idOf('h')])
    assert.match(
      JSON.stringify(hands.logs),
      /"ConfigMap shop\/h \(another application is to get it\)"/,
    )
  })

  it('is remembered by the agent that starts after this one', async () => {
    const cluster = createMemoryCluster()
    const cut = presentApplication('shop', configs('b'), { generation: 2, leave: [idOf('a')] })
    {
      await using hands = createMemoryHands({}, cluster)
      await hands.bring(home, presentApplication('shop', configs('a', 'b')))
      await hands.bring(home, cut)
    }
    const before = cluster.calls.length
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(home, cut)
    assert.equal(hands.state('shop')?.phase, 'Applied')
    assert.deepEqual(
      cluster.calls.slice(before).filter((call) => !/^(get|try)/.test(call)),
      [],
    )
    await hands.bring(home, presentApplication('shop', configs('b'), { generation: 3 }))
    assert.equal(cluster.read(idOf('a')), undefined, 'what is left no more goes, also unchanged')
  })
})

describe('going back to what was before', () => {
  it('lets go of what was found there, and deletes what was made', async () => {
    const cluster = createMemoryCluster()
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(home)
    await putBefore(cluster, createConfig('shop', 'there', { text: 'old' }))
    const uid = cluster.read(idOf('there'))?.metadata.uid
    await hands.bring(home, presentApplication('shop', configs('base')))
    await hands.bring(
      home,
      presentApplication('shop', configs('base', 'there', 'new'), { generation: 2 }),
    )
    assert.equal(ownerIn(cluster, idOf('there')), 'shop')
    const back = presentApplication('shop', configs('base'), { generation: 3, undo: true })
    await hands.bring(home, back)
    assert.equal(hands.state('shop')?.phase, 'Applied')
    assert.deepEqual(
      [cluster.read(idOf('there'))?.metadata.uid, ownerIn(cluster, idOf('there'))],
      [uid, undefined],
    )
    assert.equal(cluster.read(idOf('new')), undefined)
    await hands.bring(home, presentApplication('shop', configs('base', 'x'), { generation: 4 }))
    assert.ok(cluster.read(idOf('there')))
  })

  it('counts what moved here from another application as found, and as found what nobody knows of', async () => {
    const cluster = createMemoryCluster()
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(home, presentApplication('old', configs('moved')))
    await hands.bring(
      home,
      presentApplication('old', [], { generation: 2, prune: { ...usual, allowEmpty: true } }),
      presentApplication('shop', configs('moved', 'lost')),
    )
    assert.equal(ownerIn(cluster, idOf('moved')), 'shop')
    await hands.workloads.close()
    cluster.drop('/ConfigMap/groundswell-system/groundswell-inventory-shop')
    await using later = createMemoryHands({}, cluster)
    await later.bring(home, presentApplication('shop', configs('moved', 'lost')))
    await later.bring(home, removedApplication('shop', 'Delete', 2, { undo: true }))
    assert.equal(later.state('shop')?.phase, 'Removed')
    assert.ok(cluster.read(idOf('moved')))
    assert.ok(cluster.read(idOf('lost')))
  })

  it('lets go of it also where pruning is off, and not before all that is wanted is there', async () => {
    let failing = true
    await using hands = createMemoryHands({
      admit: ({ name }) => {
        if (failing && name === 'base') throw new AgentError('apply_failed', 'not now')
      },
    })
    await hands.bring(home)
    await putBefore(hands.cluster, createConfig('shop', 'there'))
    await hands.bring(home, presentApplication('shop', configs('there', 'made')))
    const prune = { enabled: false, allowEmpty: false }
    const changes = { generation: 2, undo: true, prune } as const
    await hands.bring(home, presentApplication('shop', configs('base'), changes))
    assert.equal(hands.state('shop')?.phase, 'Failed')
    assert.equal(ownerIn(hands.cluster, idOf('there')), 'shop')
    failing = false
    await hands.clock.advance(60_000)
    assert.equal(hands.state('shop')?.phase, 'Applied')
    assert.equal(ownerIn(hands.cluster, idOf('there')), undefined)
    assert.equal(ownerIn(hands.cluster, idOf('made')), 'shop')
    assert.deepEqual(hands.state('shop')?.drift, [])
  })

  it('lets go of its owner with it, for good', async () => {
    await using hands = createMemoryHands()
    const web = createDeployment('shop')
    await hands.bring(home, presentApplication('shop', [web, ...configs('base')]))
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u' }
    const owned = createConfig('shop', 'owned')
    await putBefore(hands.cluster, {
      ...owned,
      metadata: { ...owned.metadata, ownerReferences: [owner] },
    })
    const all = [web, ...configs('base'), owned]
    await hands.bring(home, presentApplication('shop', all, { generation: 2 }))
    const undone = { generation: 3, undo: true } as const
    await hands.bring(home, presentApplication('shop', configs('base'), undone))
    assert.ok(hands.cluster.read('apps/Deployment/shop/web'))
    assert.equal(ownerIn(hands.cluster, 'apps/Deployment/shop/web'), undefined)
  })

  it('shows nothing of it as drift, though its last event is under way', async () => {
    const memory = createMemoryCluster()
    const cluster: MemoryCluster = {
      ...memory,
      async *watch(...given) {
        for await (const event of memory.watch(...given)) {
          if (event.type !== 'deleted') yield event
        }
      },
    }
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(home)
    await putBefore(cluster, createConfig('shop', 'there'))
    await hands.bring(home, presentApplication('shop', configs('base', 'there')))
    await hands.clock.advance(1_000)
    const undone = { generation: 2, undo: true } as const
    await hands.bring(home, presentApplication('shop', configs('base'), undone))
    await hands.clock.advance(1_000)
    assert.deepEqual(hands.state('shop')?.drift, [])
    assert.equal(ownerIn(cluster, idOf('there')), undefined)
  })

  it('needs no allowEmpty where nothing is deleted', async () => {
    const cluster = createMemoryCluster()
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(home)
    await putBefore(cluster, createConfig('shop', 'there'))
    await hands.bring(home, presentApplication('shop', configs('there')))
    await hands.bring(home, presentApplication('shop', [], { generation: 2, undo: true }))
    assert.deepEqual(hands.state('shop')?.errors, [])
    assert.ok(cluster.read(idOf('there')))
    assert.equal(ownerIn(cluster, idOf('there')), undefined)
  })
})

describe('what an application wants no more', () => {
  it('is not deleted by another id of what it keeps', async () => {
    const memory = createMemoryCluster()
    // As extensions and networking.k8s.io both had Ingresses once.
    const old = 'extensions/Ingress/shop/web'
    const cluster: MemoryCluster = {
      ...memory,
      get: (resource, id, signal) =>
        memory.get(resource, { ...id, group: id.group && 'networking.k8s.io' }, signal),
      delete: (resource, id, ...rest) =>
        memory.delete(resource, { ...id, group: id.group && 'networking.k8s.io' }, ...rest),
      apply: (resource, id, ...rest) =>
        memory.apply(resource, { ...id, group: id.group && 'networking.k8s.io' }, ...rest),
    }
    await using hands = createMemoryHands({}, cluster)
    const web = (apiVersion: string): TestObject => ({
      ...{ apiVersion, kind: 'Ingress', metadata: { name: 'web', namespace: 'shop' } },
    })
    await hands.bring(home)
    await hands.bring(home, presentApplication('shop', [web('extensions/v1beta1')]))
    const store = createInventoryStore(cluster)
    const signal = new AbortController().signal
    assert.deepEqual([...(await store.load('shop', signal)).keys()], [old])
    const next = { generation: 2 }
    await hands.bring(home, presentApplication('shop', [web('networking.k8s.io/v1')], next))
    assert.deepEqual(hands.state('shop')?.errors, [])
    assert.deepEqual(deletesIn(hands), [])
    const known = [...(await store.load('shop', signal)).keys()]
    assert.deepEqual(known, ['networking.k8s.io/Ingress/shop/web'])
  })

  it('is not deleted where another takes it over that names a namespace it does not live in', async () => {
    await using hands = createMemoryHands()
    const role = (namespace?: string): TestObject => ({
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' },
      metadata: { name: 'reader', ...(namespace !== undefined && { namespace }) },
    })
    const wide = 'rbac.authorization.k8s.io/ClusterRole//reader'
    await hands.bring(home, presentApplication('a', [role(), ...configs('a')]))
    const after = presentApplication('a', configs('a'), { generation: 2 })
    await hands.bring(home, after, presentApplication('b', [role('shop')]))
    assert.deepEqual(deletesIn(hands), [])
    assert.equal(ownerIn(hands.cluster, wide), 'b')
    // Nor do two that both name one take it from each other.
    const third = presentApplication('c', [role('shop')])
    await hands.bring(home, after, presentApplication('b', [role('shop')]), third)
    assert.equal(hands.state('c')?.errors[0]?.code, 'owned_by_other')
    assert.equal(ownerIn(hands.cluster, wide), 'b')
  })

  it('is looked at again where it changed since it was looked at', async () => {
    const memory = createMemoryCluster()
    let races = 1
    const cluster: MemoryCluster = {
      ...memory,
      async delete(...given) {
        const id = idOf(given[1].name)
        if (given[4] !== memory.read(id)?.metadata.resourceVersion || races > 0) {
          races -= 1
          if (given[1].name === 'a') {
            memory.edit(id, 'kubectl', (object) => ({
              ...object,
              metadata: {
                ...object.metadata,
                annotations: { 'groundswell.dev/prune': 'disabled' },
              },
            }))
          }
          throw new AgentError('apply_conflict', 'it has been modified')
        }
        return memory.delete(...given)
      },
    }
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(home, presentApplication('shop', configs('a', 'b', 'c')))
    await hands.bring(home, presentApplication('shop', configs('b', 'c'), { generation: 2 }))
    assert.deepEqual(hands.state('shop')?.errors, [])
    assert.deepEqual(
      [ownerIn(cluster, idOf('a')), Boolean(cluster.read(idOf('a')))],
      [undefined, true],
    )
    races = 3
    await hands.bring(home, presentApplication('shop', configs('c'), { generation: 3 }))
    assert.equal(cluster.read(idOf('b')), undefined)
    races = Infinity
    await hands.bring(home, presentApplication('shop', configs('d'), { generation: 4 }))
    assert.deepEqual(
      hands.state('shop')?.errors.map(({ object, code }) => [object, code]),
      [[idOf('c'), 'prune_failed']],
    )
  })

  it('is let go where a controller has it by now', async () => {
    await using hands = createMemoryHands()
    await hands.bring(home, presentApplication('shop', configs('a', 'b', 'c')))
    const owner = { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name: 'a' }
    for (const [name, controller] of [
      ['a', true],
      ['b', false],
    ] as const) {
      hands.cluster.edit(idOf(name), 'operator', (object) => ({
        ...object,
        metadata: { ...object.metadata, ownerReferences: [{ ...owner, uid: 'u', controller }] },
      }))
    }
    await hands.bring(home, presentApplication('shop', configs('c'), { generation: 2 }))
    assert.deepEqual(deletesIn(hands), [`delete ${idOf('b')}`])
    assert.equal(ownerIn(hands.cluster, idOf('a')), undefined)
    assert.deepEqual(hands.state('shop')?.drift, [])
  })
})

function deletesIn(hands: ReturnType<typeof createMemoryHands>): readonly string[] {
  return hands.writes().filter((call) => call.startsWith('delete'))
}
