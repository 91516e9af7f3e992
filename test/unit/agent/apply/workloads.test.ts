import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AgentError } from '../../../../agent/errors.ts'
import { createConfig, createDeployment, createNamespace } from '../../../support/hands.ts'
import { settle } from '../../../support/manual-clock.ts'
import { createMemoryCluster } from '../../../support/memory-cluster.ts'
import {
  presentApplication,
  removedApplication,
  verifiedSnapshot,
} from '../../../support/verified-snapshot.ts'
import { createMemoryHands } from './memory-hands.ts'

const never = new AbortController().signal

function createAgent(...given: Parameters<typeof createMemoryHands>) {
  const hands = createMemoryHands(...given)
  const applies = (id: string): number =>
    hands.cluster.calls.filter((call) => call === `apply ${id}`).length
  return { ...hands, applies }
}

const web = 'apps/Deployment/shop/web'
const shop = [createNamespace('shop'), createDeployment('shop')]
const setImage = (image: string) => (object: object) =>
  JSON.parse(JSON.stringify(object).replace(/"image":"[^"]*"/, `"image":"${image}"`))

describe('createWorkloads', () => {
  it('reports an application applied and healthy', async () => {
    await using agent = createAgent()
    const app = presentApplication('shop', shop, { generation: 7 })
    await agent.workloads.reconcile(verifiedSnapshot(app), never)
    await agent.clock.advance(1_000)
    const last = agent.reports.at(-1)
    assert.equal(last?.phase, 'Applied')
    assert.equal(last.health, 'Current')
    assert.equal(last.manifestDigest, app.manifestDigest)
    assert.equal(last.generation, 7)
    assert.deepEqual([last.objects, last.readyObjects], [2, 2])
  })

  it('F38: brings five thousand objects, remembers all of them in one ConfigMap, and writes none twice', async () => {
    await using agent = createAgent()
    const objects = Array.from({ length: 4_999 }, (_, n) => createConfig('shop', `config-${n}`))
    const app = presentApplication('shop', [createNamespace('shop'), ...objects])
    await agent.workloads.reconcile(verifiedSnapshot(app), never)
    assert.equal(agent.state('shop')?.phase, 'Applied')
    const inventory = agent.cluster.read('/ConfigMap/groundswell-system/groundswell-inventory-shop')
    const { objects: packed } = inventory!['binaryData'] as { objects: string }
    assert.ok(packed.length < 1024 * 1024, `${packed.length} bytes`)
    const again = presentApplication('shop', [createNamespace('shop'), ...objects], {
      generation: 2,
    })
    const before = agent.cluster.calls.length
    await agent.workloads.reconcile(verifiedSnapshot(again), never)
    assert.deepEqual(
      agent.cluster.calls.slice(before).filter((call) => !call.startsWith('get')),
      [],
    )
  })

  it('tells since when an object is missing, also after a restart, at the cost of one write', async () => {
    const cluster = createMemoryCluster()
    const app = presentApplication('shop', shop, { drift: 'report' })
    const gone = (agent: ReturnType<typeof createAgent>) =>
      agent.state('shop')?.drift.find(({ missing }) => missing)?.firstSeen
    let since: number | undefined
    {
      await using agent = createAgent({}, cluster)
      await agent.workloads.reconcile(verifiedSnapshot(app), never)
      await agent.clock.advance(5_000)
      const saves = () =>
        cluster.calls.filter((call) => /^apply .*groundswell-inventory/.test(call))
      const before = saves().length
      cluster.drop(web)
      await agent.clock.advance(5_000)
      since = gone(agent)
      assert.ok(since !== undefined)
      assert.equal(saves().length, before + 1)
    }
    await using agent = createAgent({}, cluster)
    await agent.clock.advance(60_000)
    await agent.workloads.reconcile(verifiedSnapshot(app), never)
    await agent.clock.advance(1_000)
    assert.equal(gone(agent), since)
  })

  it('F33: does not fight: one write a minute against a manager, and its name in the report', async () => {
    await using agent = createAgent()
    await agent.workloads.reconcile(verifiedSnapshot(presentApplication('shop', shop)), never)
    const before = agent.applies(web)
    const spoil = async (who: string) => {
      agent.cluster.edit(web, who, setImage(`${who}:1`))
      await settle()
    }
    await spoil('rival')
    assert.equal(agent.applies(web) - before, 1)
    await agent.clock.advance(1_000)
    assert.equal(agent.state('shop')?.drift.length, 0)
    await spoil('rival')
    assert.equal(agent.state('shop')?.drift[0]?.contestedBy, 'rival')
    await agent.clock.advance(58_000)
    assert.equal(agent.applies(web) - before, 1)
    await agent.clock.advance(1_500)
    assert.equal(agent.applies(web) - before, 2)
    assert.equal(agent.state('shop')?.healed, 2)
    await spoil('rival')
    await spoil('passer-by')
    assert.equal(agent.applies(web) - before, 3, 'a change by another is put right at once')
    await agent.clock.advance(1_000)
    assert.equal(agent.state('shop')?.drift.length, 0)
  })

  it('tells of a storm at most four times a second, and of its last state always', async () => {
    await using agent = createAgent()
    const app = presentApplication('shop', shop, { drift: 'report' })
    await agent.workloads.reconcile(verifiedSnapshot(app), never)
    await agent.clock.advance(2_000)
    agent.reports.length = 0
    for (let write = 1; write <= 500; write += 1) {
      agent.cluster.edit(web, 'rival', setImage(`rival:${write}`))
      await agent.clock.advance(10)
      if (write % 100 === 0) {
        assert.ok(agent.reports.length <= 4, `${agent.reports.length} in a second`)
        agent.reports.length = 0
      }
    }
    await agent.clock.advance(1_000)
    const last = agent.reports.at(-1)?.drift[0]
    assert.equal(last?.fields[0]?.live, '"rival:500"')
  })

  it('finds out after a restart which field was changed meanwhile, without a write', async () => {
    const app = presentApplication('shop', shop, { drift: 'report' })
    const first = createAgent()
    await first.workloads.reconcile(verifiedSnapshot(app), never)
    await first.workloads.close()
    first.cluster.edit(web, 'night', setImage('night:1'))
    await using agent = createAgent({}, first.cluster)
    const writes = agent.applies(web)
    await agent.workloads.reconcile(verifiedSnapshot(app), never)
    await settle()
    const [drift] = agent.state('shop')?.drift ?? []
    const [field, ...others] = drift?.fields ?? []
    assert.deepEqual(others, [])
    assert.equal(field?.path, '/spec/template/spec/containers/0/image')
    assert.deepEqual([field.live, field.manager], ['"night:1"', 'night'])
    assert.equal(agent.applies(web), writes)
  })

  it('says that an object differs when it cannot find out where', async () => {
    const app = presentApplication('shop', shop, { drift: 'report' })
    let deaf = false
    const admit = () => {
      if (deaf) throw new AgentError('apply_failed', 'a webhook without dry run')
    }
    const first = createAgent({ admit })
    await first.workloads.reconcile(verifiedSnapshot(app), never)
    await first.workloads.close()
    first.cluster.edit(web, 'night', setImage('night:1'))
    deaf = true
    await using agent = createAgent({}, first.cluster)
    await agent.workloads.reconcile(verifiedSnapshot(app), never)
    await settle()
    const [field] = agent.state('shop')?.drift[0]?.fields ?? []
    assert.deepEqual([field?.path, field?.manager], ['', 'night'])
  })

  it('reports at once and then gathers', async () => {
    await using agent = createAgent()
    const app = presentApplication('shop', shop, { drift: 'report' })
    await agent.workloads.reconcile(verifiedSnapshot(app), never)
    await agent.clock.advance(1_000)
    agent.reports.length = 0
    for (const image of ['a', 'b', 'c']) {
      agent.cluster.edit(web, 'rival', setImage(image))
      await settle()
    }
    assert.equal(agent.reports.length, 1)
    await agent.clock.advance(160)
    assert.equal(agent.reports.length, 2)
    assert.equal(agent.reports.at(-1)?.drift[0]?.fields[0]?.live, '"c"')
  })

  it('does not look for drift when told to ignore it', async () => {
    await using agent = createAgent()
    const app = presentApplication('shop', shop, { drift: 'ignore' })
    await agent.workloads.reconcile(verifiedSnapshot(app), never)
    agent.cluster.edit(web, 'rival', setImage('x'))
    await agent.clock.advance(60_000)
    assert.equal(agent.state('shop')?.driftedObjects, 0)
    assert.equal(agent.applies(web), 1)
  })

  it('tries a failed application again, and lets no other wait for it', async () => {
    let broken = true
    await using agent = createAgent({
      admit: ({ name }) => {
        if (broken && name === 'bad') throw new AgentError('apply_failed', 'webhook is down')
      },
    })
    const bad = presentApplication('bad', [createNamespace('b'), createConfig('b', 'bad')])
    const good = presentApplication('shop', shop)
    await agent.workloads.reconcile(verifiedSnapshot(bad, good), never)
    assert.equal(agent.state('bad')?.phase, 'Failed')
    assert.equal(agent.state('bad')?.errors[0]?.message, 'webhook is down')
    assert.equal(agent.state('shop')?.phase, 'Applied')
    broken = false
    await agent.clock.advance(3_000)
    assert.equal(agent.state('bad')?.phase, 'Applied')
    // Only what failed was written again.
    assert.equal(agent.applies('/Namespace//b'), 1)
  })

  it('F35: keeps what could not be deleted in its inventory and tries again (flux#1664)', async () => {
    const cluster = createMemoryCluster()
    const remove = cluster.delete.bind(cluster)
    let denied = true
    cluster.delete = async (...args) => {
      if (denied) throw new AgentError('prune_failed', 'denied by webhook')
      return remove(...args)
    }
    await using agent = createAgent({}, cluster)
    const two = [...shop, createConfig('shop', 'old')]
    await agent.workloads.reconcile(verifiedSnapshot(presentApplication('shop', two)), never)
    await agent.workloads.reconcile(verifiedSnapshot(presentApplication('shop', shop)), never)
    assert.ok(cluster.read('/ConfigMap/shop/old'))
    assert.equal(agent.state('shop')?.errors[0]?.object, '/ConfigMap/shop/old')
    denied = false
    await agent.clock.advance(3_000)
    assert.equal(cluster.read('/ConfigMap/shop/old'), undefined)
    assert.equal(agent.state('shop')?.phase, 'Applied')
  })

  it('F43: deletes nothing when its inventory was lost, and tells what nobody remembers (I4)', async () => {
    const cluster = createMemoryCluster()
    const kept = [...shop, createConfig('shop', 'kept')]
    {
      await using agent = createAgent({}, cluster)
      const two = [...kept, createConfig('shop', 'old')]
      await agent.workloads.reconcile(verifiedSnapshot(presentApplication('shop', two)), never)
    }
    cluster.drop('/ConfigMap/groundswell-system/groundswell-inventory-shop')
    cluster.calls.length = 0
    await using agent = createAgent({}, cluster)
    await agent.workloads.reconcile(verifiedSnapshot(presentApplication('shop', kept)), never)
    assert.deepEqual(
      cluster.calls.filter((call) => call.startsWith('delete')),
      [],
    )
    assert.ok(cluster.read('/ConfigMap/shop/old'))
    assert.equal(agent.state('shop')?.phase, 'Applied')
    // It is told, until somebody deletes it; nothing else is.
    const told = agent.state('shop')!
    assert.deepEqual(
      told.drift.map(({ object, missing }) => [object, missing]),
      [['/ConfigMap/shop/old', false]],
    )
    assert.match(told.drift[0]?.fields[0]?.live ?? '', /delete it, or take this label off/)
    await agent.clock.advance(60_000)
    assert.deepEqual(agent.state('shop')?.drift, told.drift)
    assert.ok(cluster.read('/ConfigMap/shop/old'))
    cluster.drop('/ConfigMap/shop/old')
    await agent.clock.advance(1_000)
    assert.equal(agent.reports.at(-1)?.driftedObjects, 0)
  })

  it('F43: takes for left behind nothing that another has, a controller copied or a removal let go', async () => {
    await using agent = createAgent()
    const { cluster } = agent
    const space = presentApplication('space', [createNamespace('shop')])
    const guarded = createConfig('shop', 'guarded', {}, { 'groundswell.dev/prune': 'disabled' })
    const all = [createConfig('shop', 'a'), createConfig('shop', 'moving'), guarded]
    const bring = (...apps: readonly ReturnType<typeof presentApplication>[]) =>
      agent.workloads.reconcile(verifiedSnapshot(space, ...apps), never)
    await bring(presentApplication('shop', all))
    const live = cluster.read('/ConfigMap/shop/a')!
    const copy = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'copy' }
    const text = JSON.stringify({ ...live, metadata: { ...live.metadata, name: 'copy' } })
    const options = { fieldManager: 'operator', force: true }
    const resource = await cluster.resource('v1', 'ConfigMap', never)
    await cluster.apply(resource, copy, text, options, never)
    await bring(
      presentApplication('shop', all.slice(0, 1), { generation: 2 }),
      presentApplication('other', [createConfig('shop', 'moving')]),
    )
    await agent.clock.advance(1_000)
    for (const name of ['shop', 'other', 'space']) {
      assert.deepEqual(agent.state(name)?.drift, [], name)
      assert.equal(agent.state(name)?.phase, 'Applied')
    }
  })

  it('remembers what it was about to make when it dies before it could say so (F19)', async () => {
    let saves = 0
    const cluster = createMemoryCluster({
      admit: ({ name }) => {
        if (name !== 'groundswell-inventory-shop') return
        saves += 1
        // The first two announce the namespace and the rest; the third would tell that it is done.
        if (saves === 3) throw new AgentError('cluster_unreachable', 'killed')
      },
    })
    const two = [...shop, createConfig('shop', 'old')]
    {
      await using agent = createAgent({}, cluster)
      await agent.workloads.reconcile(verifiedSnapshot(presentApplication('shop', two)), never)
      assert.equal(agent.state('shop')?.phase, 'Applying')
    }
    assert.ok(cluster.read('/ConfigMap/shop/old'))
    await using agent = createAgent({}, cluster)
    await agent.workloads.reconcile(verifiedSnapshot(presentApplication('shop', shop)), never)
    assert.equal(cluster.read('/ConfigMap/shop/old'), undefined)
    assert.equal(agent.state('shop')?.phase, 'Applied')
  })

  it('moves an object between applications whatever the order, and never deletes it (F44)', async () => {
    for (const order of ['a', 'b'] as const) {
      await using agent = createAgent()
      const space = presentApplication('space', [createNamespace('shop')])
      const moving = createConfig('shop', 'moving')
      const before = [
        presentApplication('a', [moving]),
        presentApplication('b', [createConfig('shop', 'x')]),
      ]
      await agent.workloads.reconcile(verifiedSnapshot(space), never)
      await agent.workloads.reconcile(verifiedSnapshot(space, ...before), never)
      const uid = agent.cluster.read('/ConfigMap/shop/moving')?.metadata.uid
      const after = [
        removedApplication('a'),
        presentApplication('b', [createConfig('shop', 'x'), moving]),
      ]
      if (order === 'b') after.reverse()
      await agent.workloads.reconcile(verifiedSnapshot(space, ...after), never)
      const live = agent.cluster.read('/ConfigMap/shop/moving')
      assert.equal(live?.metadata.uid, uid)
      assert.equal(live?.metadata.labels?.['groundswell.dev/application'], 'b')
      assert.equal(agent.state('a')?.phase, 'Removed')
    }
  })

  it('is stopped between writes by a newer snapshot, and ends where the newer one says', async () => {
    let started = () => {}
    const first = new Promise<void>((resolve) => {
      started = resolve
    })
    await using agent = createAgent({ admit: () => started() })
    const many = Array.from({ length: 50 }, (_, n) => createConfig('shop', `c${n}`, { v: 'old' }))
    const old = presentApplication('shop', [createNamespace('shop'), ...many])
    const slow = agent.workloads.reconcile(verifiedSnapshot(old), never)
    await first
    const next = presentApplication('shop', [createNamespace('shop')])
    await agent.workloads.reconcile(verifiedSnapshot(next), never)
    await slow
    assert.equal(agent.state('shop')?.manifestDigest, next.manifestDigest)
    assert.equal(agent.state('shop')?.phase, 'Applied')
    for (let n = 0; n < 50; n += 1) {
      assert.equal(agent.cluster.read(`/ConfigMap/shop/c${n}`), undefined)
    }
  })
})
