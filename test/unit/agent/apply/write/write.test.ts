import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createConfig, createDeployment, createNamespace } from '../../../../support/hands.ts'
import { createMemoryCluster } from '../../../../support/memory-cluster.ts'
import { until } from '../../../../support/until.ts'
import { presentApplication } from '../../../../support/verified-snapshot.ts'
import { createMemoryHands } from '../memory-hands.ts'
import { ownerIn, putBefore } from '../put-before.ts'

type Cluster = ReturnType<typeof createMemoryCluster>

const shop = presentApplication('shop', [createNamespace('shop'), createConfig('shop', 'c')])

/** The same cluster, of which one kind cannot be listed: its watch never says anything. */
function withoutWatch(cluster: Cluster, kind: string): Cluster {
  return {
    ...cluster,
    watch: (resource, label, signal) =>
      resource.kind === kind ? saysNothing(signal) : cluster.watch(resource, label, signal),
  }
}

/** A watch that ends with its signal, and has nothing to say until then. */
function saysNothing(signal: AbortSignal): AsyncIterable<never> {
  const ended = new Promise<IteratorResult<never>>((resolve) => {
    signal.addEventListener('abort', () => resolve({ done: true, value: undefined }))
  })
  return { [Symbol.asyncIterator]: () => ({ next: () => ended }) }
}

/** Brings an application while a kind is not read, with the patience for that over. */
async function bringBlind(cluster: Cluster, kind: string, app: typeof shop) {
  const hands = createMemoryHands({}, withoutWatch(cluster, kind))
  const done = hands.bring(app)
  await until(() => hands.clock.sleeping > 0, { deadlineMs: 5_000, what: 'the wait for the watch' })
  await hands.clock.advance(10_000)
  await done
  return hands
}

describe('an object of another agent’s', () => {
  it('stays with it however often it is tried, and when it leaves Git again (I5)', async () => {
    const cluster = createMemoryCluster()
    {
      await using theirs = createMemoryHands({}, cluster)
      await theirs.bring(shop)
    }
    cluster.drop('/ConfigMap/groundswell-system/groundswell-inventory-shop')
    cluster.edit('/ConfigMap/shop/c', 'groundswell', (object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: { 'groundswell.dev/cluster': 'c2' } },
    }))
    await using hands = createMemoryHands({}, cluster)
    const guests = [createNamespace('shop'), createConfig('shop', 'd')]
    await hands.bring(
      presentApplication('shop', [...guests, createConfig('shop', 'c', { a: '2' })]),
    )
    for (let tries = 0; tries < 3; tries += 1) {
      const { errors } = hands.state('shop')!
      assert.match(errors[0]?.message ?? '', /belongs to the agent of cluster c2/)
      await hands.clock.advance(60_000)
    }
    // With the other agent gone, the command it prints lets it have the object.
    assert.match(
      hands.state('shop')?.errors[0]?.message ?? '',
      /: kubectl annotate configmap --all-namespaces -l groundswell\.dev\/application=shop groundswell\.dev\/cluster-$/,
    )
    await hands.bring(presentApplication('shop', guests, { generation: 2 }))
    assert.equal(hands.state('shop')?.phase, 'Applied')
    const left = cluster.read('/ConfigMap/shop/c')
    assert.equal(left?.metadata.annotations?.['groundswell.dev/cluster'], 'c2')
    assert.deepEqual(left?.['data'], {})
  })
})

describe('an object of the agent that was here before', () => {
  it('F43: is taken over, drift and all, though its inventory is lost as well, and goes when it leaves Git', async () => {
    const cluster = createMemoryCluster()
    {
      await using before = createMemoryHands({}, cluster, { clusterId: 'c0' })
      await before.bring(
        presentApplication('shop', [
          createNamespace('shop'),
          ...['c', 'd', 'old'].map((name) => createConfig('shop', name, { a: '1' })),
        ]),
      )
    }
    cluster.drop('/Namespace//groundswell-system')
    cluster.edit('/ConfigMap/shop/c', 'someone', (object) => ({ ...object, data: { a: '2' } }))
    const uid = cluster.read('/ConfigMap/shop/c')?.metadata.uid
    cluster.calls.length = 0
    await using hands = createMemoryHands({}, cluster, { formerIds: ['c0'] })
    const wanted = [createNamespace('shop'), createConfig('shop', 'c', { a: '1' })]
    await hands.bring(
      presentApplication('shop', [...wanted, createConfig('shop', 'd', { a: '1' })]),
    )
    assert.deepEqual(hands.state('shop')?.errors, [])
    assert.deepEqual(
      hands.writes().filter((call) => !call.startsWith('apply')),
      [],
      'nothing is deleted, nor let go',
    )
    const taken = cluster.read('/ConfigMap/shop/c')!
    assert.equal(taken.metadata.uid, uid)
    assert.equal(taken.metadata.annotations?.['groundswell.dev/cluster'], 'c1')
    assert.deepEqual(taken['data'], { a: '1' })
    // What left Git while nobody remembered it is told, and stays.
    assert.deepEqual(
      hands.state('shop')?.drift.map(({ object }) => object),
      ['/ConfigMap/shop/old'],
    )
    await hands.bring(presentApplication('shop', wanted, { generation: 2 }))
    assert.equal(cluster.read('/ConfigMap/shop/d'), undefined)
    assert.ok(cluster.read('/ConfigMap/shop/old'))
  })
})

describe('writing an object whose kind the watches have not read', () => {
  it('F45: takes nothing that is another application’s or another agent’s', async () => {
    const cluster = createMemoryCluster()
    {
      await using owner = createMemoryHands({}, cluster)
      await owner.bring(shop)
    }
    const mine = presentApplication('mine', [createConfig('shop', 'c', { stolen: 'yes' })])
    {
      await using hands = await bringBlind(cluster, 'ConfigMap', mine)
      assert.deepEqual(
        hands.state('mine')?.errors.map(({ code, message }) => [code, message]),
        [['owned_by_other', 'belongs to application shop']],
      )
    }
    cluster.edit('/ConfigMap/shop/c', 'someone', (object) => ({
      ...object,
      metadata: {
        ...object.metadata,
        labels: { 'groundswell.dev/application': 'mine' },
        annotations: { 'groundswell.dev/cluster': 'c2' },
      },
    }))
    await using hands = await bringBlind(cluster, 'ConfigMap', mine)
    assert.match(
      hands.state('mine')?.errors[0]?.message ?? '',
      /belongs to the agent of cluster c2/,
    )
    assert.doesNotMatch(JSON.stringify(cluster.read('/ConfigMap/shop/c')), /stolen/)
  })

  it('leaves the size to an autoscaler also then, and where the object was nobody’s before', async () => {
    const web = createDeployment('shop')
    const app = presentApplication('web', [createNamespace('shop'), web])
    const scaledBy = {
      manager: 'kube-controller-manager',
      operation: 'Update',
      subresource: 'scale',
      apiVersion: 'apps/v1',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    } as const
    const sizeOf = (cluster: Cluster) =>
      (cluster.read('apps/Deployment/shop/web')?.['spec'] as { replicas?: number } | undefined)
        ?.replicas
    for (const watched of [true, false]) {
      const cluster = createMemoryCluster()
      {
        await using first = createMemoryHands({}, cluster)
        await first.bring(app)
      }
      const real = cluster.get
      // What a scale of 50 leaves, by the API server's own book of owners.
      cluster.edit('apps/Deployment/shop/web', 'kube-controller-manager', (object) => ({
        ...object,
        spec: { ...(object['spec'] as object), replicas: 50 },
      }))
      cluster.get = async (resource, id, signal) => {
        const found = await real(resource, id, signal)
        return found?.kind === 'Deployment'
          ? { ...found, metadata: { ...found.metadata, managedFields: [scaledBy] } }
          : found
      }
      if (watched) {
        // Nobody's: without our label and without an inventory.
        cluster.edit('apps/Deployment/shop/web', 'someone', (object) => ({
          ...object,
          metadata: { ...object.metadata, labels: {}, annotations: {} },
        }))
        cluster.drop('/ConfigMap/groundswell-system/groundswell-inventory-web')
        await using hands = createMemoryHands({}, cluster)
        await hands.bring(app)
        assert.equal(hands.state('web')?.phase, 'Applied')
      } else {
        const next = presentApplication('web', [
          createNamespace('shop'),
          { ...web, spec: { ...(web['spec'] as object), minReadySeconds: 7 } },
        ])
        await using hands = await bringBlind(cluster, 'Deployment', next)
        assert.deepEqual(hands.state('web')?.errors, [])
      }
      assert.equal(sizeOf(cluster), 50, `watched: ${watched}`)
    }
  })
})

describe('an object that somebody made anew in the place of ours', () => {
  for (const adoption of ['Never', 'IfNoDiff', undefined] as const) {
    const what = adoption ? `is theirs under adoption: ${adoption}` : 'is taken over otherwise'
    it(`${what}, and drift where only our label went`, async () => {
      await using hands = createMemoryHands()
      const { cluster } = hands
      const id = '/ConfigMap/shop/c'
      const objects = [createNamespace('shop'), createConfig('shop', 'c', { a: '1' })]
      await hands.bring(presentApplication('shop', objects, { ...(adoption && { adoption }) }))
      cluster.edit(id, 'kubectl', (object) => ({
        ...object,
        metadata: { ...object.metadata, labels: {} },
      }))
      await hands.clock.advance(1_000)
      assert.equal(hands.state('shop')?.phase, 'Applied')
      assert.equal(ownerIn(cluster, id), 'shop')
      cluster.drop(id)
      await putBefore(cluster, createConfig('shop', 'c', { a: '2' }))
      await hands.clock.advance(120_000)
      const { errors } = hands.state('shop')!
      assert.equal(errors[0]?.code, adoption && 'adoption_refused')
      assert.deepEqual(cluster.read(id)?.['data'], { a: adoption ? '2' : '1' })
    })
  }
})
