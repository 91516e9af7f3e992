import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createWorkloads } from '../../../../agent/apply/workloads.ts'
import { noKeys } from '../../../../agent/secrets/keys.ts'
import { createConfig, createNamespace } from '../../../support/hands.ts'
import { createManualClock } from '../../../support/manual-clock.ts'
import { createMemoryCluster } from '../../../support/memory-cluster.ts'
import {
  presentApplication,
  removedApplication,
  verifiedSnapshot,
} from '../../../support/verified-snapshot.ts'

const never = new AbortController().signal
const id = '/ConfigMap/shop/settings'
const shop = (text: string, generation = 1) =>
  presentApplication(
    'shop',
    [createNamespace('shop'), createConfig('shop', 'settings', { text })],
    {
      generation,
    },
  )

function createAgent(cluster = createMemoryCluster({})) {
  const held = new Set<string>()
  const clock = createManualClock()
  const workloads = createWorkloads({
    cluster,
    clusterId: 'c1',
    keys: noKeys,
    clock,
    within: (run) => run(),
    random: () => 0.5,
    log: () => {},
    onChange: () => {},
    isHeld: (application) => held.has(application),
  })
  return {
    cluster,
    clock,
    held,
    workloads,
    state: (name = 'shop') => workloads.states().find(({ application }) => application === name),
    text: (of = id) => (cluster.read(of)?.['data'] as { text: string } | undefined)?.text,
    [Symbol.asyncDispose]: () => workloads.close(),
  }
}

describe('what a hold keeps back', () => {
  it('an update waits, is reported beside what runs, and is taken up when the hold ends', async () => {
    await using agent = createAgent()
    await agent.workloads.reconcile(verifiedSnapshot(shop('one')), never)
    agent.held.add('shop')
    const two = shop('two', 2)
    await agent.workloads.reconcile(verifiedSnapshot(two), never)
    assert.equal(agent.text(), 'one')
    assert.deepEqual(agent.state()?.held, { digest: two.manifestDigest, generation: 2 })
    assert.equal(agent.state()?.manifestDigest, shop('one').manifestDigest)
    assert.deepEqual([...(await agent.workloads.kept())], [shop('one').manifestDigest])
    const three = shop('three', 3)
    await agent.workloads.reconcile(verifiedSnapshot(three), never)
    agent.held.clear()
    await agent.workloads.reconcile(verifiedSnapshot(three), never)
    assert.equal(agent.text(), 'three')
    assert.equal(agent.state()?.held, undefined)
    assert.equal((await agent.workloads.kept()).size, 0)
  })

  it('healing goes on, with the content from before', async () => {
    await using agent = createAgent()
    await agent.workloads.reconcile(verifiedSnapshot(shop('one')), never)
    agent.held.add('shop')
    await agent.workloads.reconcile(verifiedSnapshot(shop('two', 2)), never)
    agent.cluster.edit(id, 'rival', (object) => ({ ...object, data: { text: 'spoilt' } }))
    await agent.clock.advance(1_000)
    assert.equal(agent.text(), 'one')
    assert.equal(agent.state()?.healed, 1)
  })

  it('I4 a removal waits too, and an application that is new is not begun', async () => {
    await using agent = createAgent()
    await agent.workloads.reconcile(verifiedSnapshot(shop('one')), never)
    agent.held.add('shop').add('web')
    const web = presentApplication('web', [createNamespace('web')])
    await agent.workloads.reconcile(verifiedSnapshot(removedApplication('shop'), web), never)
    assert.equal(agent.text(), 'one')
    assert.deepEqual(agent.state()?.held, { digest: null, generation: 2 })
    assert.equal(agent.cluster.read('/Namespace//web'), undefined)
    const state = agent.state('web')
    assert.deepEqual([state?.phase, state?.objects], ['Pending', 0])
    assert.deepEqual(state?.held, { digest: web.manifestDigest, generation: 1 })
  })

  it('the same content decided anew is no update', async () => {
    await using agent = createAgent()
    await agent.workloads.reconcile(verifiedSnapshot(shop('one')), never)
    agent.held.add('shop')
    await agent.workloads.reconcile(verifiedSnapshot(shop('one', 9)), never)
    assert.equal(agent.state()?.generation, 9)
    assert.equal(agent.state()?.held, undefined)
  })

  it('others are updated beside it', async () => {
    await using agent = createAgent()
    const web = (text: string) =>
      presentApplication('web', [createNamespace('web'), createConfig('web', 'settings', { text })])
    await agent.workloads.reconcile(verifiedSnapshot(shop('one'), web('one')), never)
    agent.held.add('shop')
    await agent.workloads.reconcile(verifiedSnapshot(shop('two', 2), web('two')), never)
    assert.equal(agent.text(), 'one')
    assert.equal(agent.text('/ConfigMap/web/settings'), 'two')
  })

  it('I4 what moves to an application on hold is not deleted with the one it leaves', async () => {
    await using agent = createAgent()
    await agent.workloads.reconcile(verifiedSnapshot(shop('one')), never)
    agent.held.add('new')
    const moved = presentApplication('new', [
      createNamespace('shop'),
      createConfig('shop', 'settings', { text: 'one' }),
    ])
    await agent.workloads.reconcile(verifiedSnapshot(removedApplication('shop'), moved), never)
    assert.equal(agent.text(), 'one')
    agent.held.clear()
    await agent.workloads.reconcile(verifiedSnapshot(removedApplication('shop'), moved), never)
    assert.equal(agent.text(), 'one')
    assert.equal(agent.state('new')?.phase, 'Applied')
  })

  it('a restarted agent heals what runs from a snapshot of before, and updates nothing', async () => {
    const cluster = createMemoryCluster({})
    const before = verifiedSnapshot(shop('one'))
    {
      await using first = createAgent(cluster)
      await first.workloads.reconcile(before, never)
    }
    await using agent = createAgent(cluster)
    agent.held.add('shop')
    cluster.edit(id, 'rival', (object) => ({ ...object, data: { text: 'spoilt' } }))
    await agent.workloads.reconcile(verifiedSnapshot(shop('two', 2)), never, [before])
    await agent.clock.advance(1_000)
    assert.equal(agent.text(), 'one')
    assert.equal(agent.state()?.held?.generation, 2)
  })

  it('I4 what others are to get is no difference from what runs, and is not deleted while it waits', async () => {
    const cluster = createMemoryCluster({})
    const both = [createNamespace('shop'), createConfig('shop', 'settings', { text: 'one' })]
    const cut = (leave: readonly string[] = [], text = 'one') =>
      presentApplication(
        'shop',
        [createNamespace('shop'), createConfig('shop', 'more', { text })],
        {
          ...{ generation: 2, ...(leave.length > 0 && { leave }) },
        },
      )
    {
      await using first = createAgent(cluster)
      await first.workloads.reconcile(verifiedSnapshot(presentApplication('shop', both)), never)
      await first.workloads.reconcile(verifiedSnapshot(cut([id])), never)
    }
    await using agent = createAgent(cluster)
    agent.held.add('shop')
    cluster.drop('/ConfigMap/shop/more')
    const before = verifiedSnapshot(cut([id]))
    await agent.workloads.reconcile(verifiedSnapshot(cut([id], 'two')), never, [before])
    await agent.clock.advance(1_000)
    assert.equal(agent.text('/ConfigMap/shop/more'), 'one')
    // The same content, of which it would be deleted.
    await agent.workloads.reconcile(verifiedSnapshot(cut()), never, [before])
    assert.equal(agent.text(), 'one')
    assert.deepEqual(agent.state()?.held?.generation, 2)
    agent.held.clear()
    await agent.workloads.reconcile(verifiedSnapshot(cut()), never, [before])
    assert.equal(agent.text(), undefined)
  })

  it('without that snapshot, or with one that is not what runs, it touches nothing', async () => {
    const cluster = createMemoryCluster({})
    {
      await using first = createAgent(cluster)
      await first.workloads.reconcile(verifiedSnapshot(shop('one')), never)
    }
    await using agent = createAgent(cluster)
    agent.held.add('shop')
    const writes = cluster.calls.filter((call) => call.startsWith('apply')).length
    for (const earlier of [[], [verifiedSnapshot(shop('older'))]]) {
      await agent.workloads.reconcile(verifiedSnapshot(shop('two', 2)), never, earlier)
      await agent.clock.advance(1_000)
      assert.equal(agent.text(), 'one')
      assert.equal(agent.state()?.phase, 'Pending')
    }
    assert.equal(cluster.calls.filter((call) => call.startsWith('apply')).length, writes)
    agent.held.clear()
    await agent.workloads.reconcile(verifiedSnapshot(shop('two', 2)), never)
    assert.equal(agent.text(), 'two')
  })
})
