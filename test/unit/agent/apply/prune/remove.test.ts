import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Sparing } from '@groundswell/proto/statement.ts'
import { AgentError } from '../../../../../agent/errors.ts'
import { createConfig, createDeployment, createNamespace } from '../../../../support/hands.ts'
import { createMemoryCluster, type MemoryCluster } from '../../../../support/memory-cluster.ts'
import {
  presentApplication,
  removedApplication,
  type TestObject,
} from '../../../../support/verified-snapshot.ts'
import { createJob, createMemoryHands } from '../memory-hands.ts'
import { ownerIn, putBefore } from '../put-before.ts'

const idOf = (name: string) => `/ConfigMap/shop/${name}`
const home = '/Namespace//shop'
const inventory = '/ConfigMap/groundswell-system/groundswell-inventory-shop'
const gone = (sparing: Sparing, generation = 2) =>
  removedApplication('shop', 'Delete', generation, sparing)
const deletesOf = (hands: ReturnType<typeof createMemoryHands>) =>
  hands.writes().filter((call) => call.startsWith('delete'))
const namespace = createNamespace('shop')
const a = createConfig('shop', 'a')
const b = createConfig('shop', 'b')
const of = (apiVersion: string, kind: string) => ({ apiVersion, kind })
const backup = createJob('backup', { 'argocd.argoproj.io/hook': 'PreDelete' })

const tide: TestObject = {
  apiVersion: 'sea.example.org/v1',
  kind: 'Tide',
  metadata: { name: 'spring', namespace: 'shop' },
}
const definition: TestObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'tides.sea.example.org' },
  spec: { group: 'sea.example.org', names: { kind: 'Tide' }, scope: 'Namespaced' },
}

describe('a removal that goes back to before the application was there', () => {
  it('deletes what it made, and lets go of what it found', async () => {
    await using hands = createMemoryHands()
    const before = await putBefore(hands.cluster, namespace, createDeployment('shop'), a)
    const web = 'apps/Deployment/shop/web'
    await hands.bring(presentApplication('shop', [namespace, createDeployment('shop'), a, b]))
    assert.equal(ownerIn(hands.cluster, web), 'shop')
    await hands.bring(gone({ undo: true }))
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.deepEqual(hands.state('shop')?.errors, [])
    assert.deepEqual(deletesOf(hands), [`delete ${idOf('b')}`])
    for (const [id, uid] of before) {
      assert.equal(hands.cluster.read(id)?.metadata.uid, uid, id)
      assert.equal(ownerIn(hands.cluster, id), undefined, id)
    }
    assert.equal(hands.cluster.read(inventory), undefined)
    assert.equal(hands.logs.length, 1)
    assert.match(
      JSON.stringify(hands.logs),
      /Deployment shop\/web \(it was there before, as far as is known\)/,
    )
  })

  it('keeps what it made and what was there before names, for as long as that runs', async () => {
    await using hands = createMemoryHands()
    const metadata = (name: string) => ({ name, namespace: 'shop' })
    const spec = { storageClassName: 'fast' }
    const claim = { ...of('v1', 'PersistentVolumeClaim'), metadata: metadata('data'), spec }
    const fast = { ...of('storage.k8s.io/v1', 'StorageClass'), metadata: { name: 'fast' } }
    const naming = createDeployment('shop', [
      { name: 'files', configMap: { name: 'a' } },
      { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
    ])
    await putBefore(hands.cluster, namespace, createDeployment('shop'))
    await hands.bring(presentApplication('shop', [namespace, naming, a, b, claim, fast]))
    await hands.bring(gone({ undo: true }))
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.deepEqual(deletesOf(hands), [`delete ${idOf('b')}`])
    assert.equal(ownerIn(hands.cluster, idOf('a')), undefined)
    assert.match(JSON.stringify(hands.logs), /ConfigMap shop\/a \(what stays names it\)/)
  })

  it('deletes all of what it made, also for the agent that starts after this one', async () => {
    const cluster = createMemoryCluster()
    {
      await using hands = createMemoryHands({}, cluster)
      await hands.bring(presentApplication('shop', [namespace, a]))
    }
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(gone({ undo: true }))
    assert.deepEqual(deletesOf(hands), [`delete ${idOf('a')}`, `delete ${home}`])
  })

  it('counts as found what another has put in the place of what was made', async () => {
    await using hands = createMemoryHands()
    await hands.bring(presentApplication('shop', [namespace, a, b]))
    hands.cluster.drop(idOf('a'))
    await putBefore(hands.cluster, a)
    await hands.clock.advance(120_000)
    await hands.bring(
      presentApplication('shop', [namespace, createConfig('shop', 'a', { x: '1' }), b]),
    )
    assert.equal(ownerIn(hands.cluster, idOf('a')), 'shop')
    await hands.bring(gone({ undo: true }))
    assert.deepEqual(deletesOf(hands), [`delete ${idOf('b')}`])
    assert.ok(hands.cluster.read(idOf('a')))
  })

  it('keeps the namespace it made for what it found, though that cannot be let go at first', async () => {
    const memory = createMemoryCluster()
    let refused = ''
    const cluster: MemoryCluster = {
      ...memory,
      async disown(...given) {
        if (given[1].name === refused) throw new AgentError('apply_forbidden', 'not now')
        return memory.disown(...given)
      },
    }
    await using agent = createMemoryHands({}, cluster)
    await agent.bring(presentApplication('shop', [namespace]))
    await putBefore(cluster, a)
    await agent.bring(presentApplication('shop', [namespace, a, b], { generation: 2 }))
    for (const name of ['shop', 'a']) {
      refused = name
      await agent.bring(gone({ undo: true }, 3))
      assert.equal(agent.state('shop')?.phase, 'Failed')
      assert.ok(cluster.read(home) && cluster.read(idOf('a')) && cluster.read(idOf('b')), name)
    }
    refused = ''
    await agent.clock.advance(60_000)
    assert.equal(agent.state('shop')?.phase, 'Removed')
    assert.ok(cluster.read(home) && cluster.read(idOf('a')))
    assert.equal(cluster.read(idOf('b')), undefined)
  })

  it('deletes the namespace it made for what was never let in', async () => {
    await using hands = createMemoryHands({
      admit: ({ name }) => {
        if (name === 'a') throw new AgentError('apply_failed', 'a webhook says no')
      },
    })
    for (const objects of [
      [namespace, a, b],
      [namespace, a],
    ]) {
      await hands.bring(presentApplication('shop', objects))
      assert.equal(hands.state('shop')?.phase, 'Failed')
      await hands.bring(gone({ undo: true }))
      assert.equal(hands.state('shop')?.phase, 'Removed')
      assert.equal(hands.cluster.read(home), undefined)
    }
    const space = `delete ${home}`
    assert.deepEqual(deletesOf(hands), [`delete ${idOf('b')}`, space, space])
  })

  it('keeps a definition of which something stays', async () => {
    await using hands = createMemoryHands()
    await hands.bring(presentApplication('shop', [namespace, definition]))
    await putBefore(hands.cluster, tide)
    const all = [namespace, definition, tide, a]
    await hands.bring(presentApplication('shop', all, { generation: 2 }))
    await hands.bring(gone({ undo: true }, 3))
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.deepEqual(deletesOf(hands), [`delete ${idOf('a')}`])
    assert.ok(hands.cluster.read('sea.example.org/Tide/shop/spring'))
  })

  it('keeps what the API server would delete it with', async () => {
    await using hands = createMemoryHands()
    await putBefore(hands.cluster, namespace)
    await hands.bring(presentApplication('shop', [createDeployment('shop')]))
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u' }
    await putBefore(hands.cluster, {
      ...a,
      metadata: { ...a.metadata, ownerReferences: [owner] },
    })
    const all = [createDeployment('shop'), a, b]
    await hands.bring(presentApplication('shop', all, { generation: 2 }))
    await hands.bring(gone({ undo: true }, 3))
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.deepEqual(deletesOf(hands), [`delete ${idOf('b')}`])
    assert.match(JSON.stringify(hands.logs), /Deployment shop\/web \(what stays would go with it\)/)
  })
})

describe('I5: the removal of an application that has a definition', () => {
  it('waits while another has objects of its kind, which would go with it', async () => {
    await using hands = createMemoryHands()
    const user = presentApplication('sea', [namespace, tide])
    await hands.bring(presentApplication('shop', [definition]), user)
    await hands.bring(gone({}), user)
    assert.equal(hands.state('shop')?.phase, 'Applying')
    assert.match(
      hands.state('shop')?.waiting ?? '',
      /tides\.sea\.example\.org .*: sea\. Remove those/,
    )
    assert.deepEqual(
      hands.cluster.read('sea.example.org/Tide/shop/spring')?.metadata.name,
      'spring',
    )
    await hands.clock.advance(6 * 60_000)
    assert.equal(hands.state('shop')?.phase, 'Failed')
    assert.equal(hands.state('shop')?.errors[0]?.code, 'not_ready')
    const without = presentApplication('sea', [namespace], { generation: 2 })
    await hands.bring(gone({}), without)
    await hands.clock.advance(60_000)
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.ok(
      deletesOf(hands).includes(
        'delete apiextensions.k8s.io/CustomResourceDefinition//tides.sea.example.org',
      ),
    )
  })

  it('does not wait for its own', async () => {
    await using hands = createMemoryHands()
    await hands.bring(presentApplication('shop', [namespace, definition, tide]))
    await hands.bring(gone({}))
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.equal(deletesOf(hands).length, 3)
  })

  it('lets go of it where it goes back, and something of its kind was let go before', async () => {
    await using hands = createMemoryHands()
    await hands.bring(presentApplication('home', [namespace]))
    const home = presentApplication('home', [namespace])
    await putBefore(hands.cluster, tide)
    await hands.bring(home, presentApplication('shop', [definition, tide]))
    const cut = presentApplication('shop', [definition], { generation: 2, undo: true })
    await hands.bring(home, cut)
    await hands.bring(home, gone({ undo: true }, 3))
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.deepEqual(deletesOf(hands), [])
    const id = 'apiextensions.k8s.io/CustomResourceDefinition//tides.sea.example.org'
    assert.equal(ownerIn(hands.cluster, id), undefined)
    assert.ok(hands.cluster.read('sea.example.org/Tide/shop/spring'))
  })

  it('waits while there are any that no application knows, or that a guard keeps', async () => {
    const guarded: TestObject = {
      ...tide,
      metadata: { ...tide.metadata, annotations: { 'groundswell.dev/prune': 'disabled' } },
    }
    await using hands = createMemoryHands()
    await hands.bring(presentApplication('home', [namespace]))
    const home = presentApplication('home', [namespace])
    await hands.bring(home, presentApplication('shop', [definition, guarded]))
    const neap = { ...tide, metadata: { name: 'neap', namespace: 'shop' } }
    await putBefore(hands.cluster, neap)
    await hands.bring(home, gone({}))
    assert.match(
      hands.state('shop')?.waiting ?? '',
      /tides\.sea\.example\.org is not deleted while there are .*: Tide shop\/spring, Tide shop\/neap\./,
    )
    assert.ok(hands.cluster.read('sea.example.org/Tide/shop/spring'))
    for (const name of ['spring', 'neap']) hands.cluster.drop(`sea.example.org/Tide/shop/${name}`)
    await hands.clock.advance(60_000)
    assert.equal(hands.state('shop')?.phase, 'Removed')
  })
})

describe('the removal of an operator with what it keeps', () => {
  it('deletes that first, and the operator once it has taken its finalizers off', async () => {
    await using hands = createMemoryHands()
    const operator = createDeployment('shop')
    await hands.bring(presentApplication('shop', [namespace, definition, tide, operator, a]))
    const spring = 'sea.example.org/Tide/shop/spring'
    const finalize = (finalizers: readonly string[]) =>
      hands.cluster.edit(spring, 'operator', (object) => ({
        ...object,
        metadata: { ...object.metadata, finalizers },
      }))
    finalize(['sea.example.org/ebb'])
    await hands.bring(gone({}))
    await hands.clock.advance(5_000)
    assert.deepEqual(deletesOf(hands), [`delete ${spring}`])
    assert.match(hands.state('shop')?.waiting ?? '', /Tide shop\/spring waits for finalizers/)
    finalize([])
    await hands.clock.advance(5_000)
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.equal(hands.cluster.read('apps/Deployment/shop/web'), undefined)
    assert.equal(deletesOf(hands).length, 5)
  })
})

describe('what cannot be looked at', () => {
  it('has nothing deleted that it might go with', async () => {
    const memory = createMemoryCluster()
    let refused = ''
    const cluster: MemoryCluster = {
      ...memory,
      async get(...given) {
        if (given[1].name === refused) throw new AgentError('apply_forbidden', 'not now')
        return memory.get(...given)
      },
    }
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(presentApplication('shop', [namespace]))
    await putBefore(cluster, a)
    await hands.bring(presentApplication('shop', [namespace, a, b], { generation: 2 }))
    refused = 'a'
    const back = presentApplication('shop', [namespace], { generation: 3, undo: true })
    for (const wanted of [back, gone({ undo: true }, 4)]) {
      await hands.bring(wanted)
      assert.equal(hands.state('shop')?.phase, 'Failed')
      assert.match(hands.state('shop')?.errors[0]?.message ?? '', /not now/)
      assert.deepEqual(deletesOf(hands), [])
    }
    refused = ''
    await hands.clock.advance(60_000)
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.deepEqual(deletesOf(hands), [`delete ${idOf('b')}`])
  })
})

describe('a removal of what others are to get in part', () => {
  it('lets go of that and of its namespace, and deletes the rest', async () => {
    await using hands = createMemoryHands()
    await hands.bring(presentApplication('shop', [namespace, a, b]))
    const uid = hands.cluster.read(idOf('a'))?.metadata.uid
    const removal = gone({ leave: [idOf('a')] })
    await hands.bring(removal)
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.deepEqual(deletesOf(hands), [`delete ${idOf('b')}`])
    assert.equal(ownerIn(hands.cluster, idOf('a')), undefined)
    await hands.bring(removal, presentApplication('heir', [namespace, a]))
    assert.deepEqual(
      [hands.cluster.read(idOf('a'))?.metadata.uid, ownerIn(hands.cluster, idOf('a'))],
      [uid, 'heir'],
    )
  })

  it('runs its hooks where something of it is deleted, and those that come after the last', async () => {
    await using hands = createMemoryHands()
    const farewell = createJob('farewell', { 'helm.sh/hook': 'post-delete' })
    await hands.bring(presentApplication('shop', [namespace, a, b, backup, farewell]))
    await hands.bring(gone({ leave: [idOf('a')] }))
    await hands.clock.advance(5_000)
    assert.ok(hands.cluster.read(idOf('b')))
    hands.end('batch/Job/shop/backup', 'Complete')
    await hands.clock.advance(5_000)
    assert.equal(hands.cluster.read(idOf('b')), undefined)
    assert.equal(hands.state('shop')?.waiting, 'post-delete hook Job shop/farewell has not ended')
    hands.end('batch/Job/shop/farewell', 'Complete')
    await hands.clock.advance(5_000)
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.ok(hands.cluster.read(idOf('a')))
  })

  it('runs no hook where nothing of it is deleted, also after a fault', async () => {
    const memory = createMemoryCluster()
    let stuck = true
    const cluster: MemoryCluster = {
      ...memory,
      async delete(...given) {
        if (stuck && given[1].name === 'migrate') throw new AgentError('prune_failed', 'not now')
        return memory.delete(...given)
      },
    }
    await using hands = createMemoryHands({}, cluster)
    await putBefore(cluster, namespace, a)
    const migrate = createJob('migrate', { 'argocd.argoproj.io/hook': 'PreSync' })
    await hands.bring(presentApplication('shop', [namespace, a, migrate, backup]))
    hands.end('batch/Job/shop/migrate', 'Complete')
    await hands.clock.advance(5_000)
    assert.equal(hands.state('shop')?.phase, 'Applied')
    await hands.bring(gone({ undo: true }))
    assert.equal(hands.state('shop')?.phase, 'Failed')
    stuck = false
    await hands.clock.advance(60_000)
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.equal(cluster.read('batch/Job/shop/backup'), undefined)
    assert.equal(cluster.read('batch/Job/shop/migrate'), undefined)
    assert.ok(cluster.read(idOf('a')))
  })

  it('runs no hook where others have the rest already', async () => {
    await using hands = createMemoryHands()
    await hands.bring(presentApplication('shop', [namespace, a, b, backup]))
    const heir = presentApplication('heir', [namespace, b])
    await hands.bring(gone({ leave: [idOf('a')] }), heir)
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.deepEqual(deletesOf(hands), [])
    assert.equal(hands.cluster.read('batch/Job/shop/backup'), undefined)
    assert.equal(ownerIn(hands.cluster, idOf('b')), 'heir')
  })

  it('lets go of all where all is to go to others', async () => {
    await using hands = createMemoryHands()
    await hands.bring(presentApplication('shop', [namespace, a, b, backup]))
    await hands.bring(gone({ leave: ['*'] }))
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.deepEqual(deletesOf(hands), [])
    assert.equal(ownerIn(hands.cluster, idOf('a')), undefined)
  })
})
