import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AgentError } from '../../../../../agent/errors.ts'
import { createConfig, createNamespace } from '../../../../support/hands.ts'
import { createMemoryCluster } from '../../../../support/memory-cluster.ts'
import { presentApplication } from '../../../../support/verified-snapshot.ts'
import { createJob, createMemoryHands } from '../memory-hands.ts'

const namespace = createNamespace('shop')
const shop = presentApplication('shop', [
  namespace,
  createConfig('shop', 'a'),
  createConfig('shop', 'b'),
])

/** A cluster whose answers to writes of the application can be made to fail. */
function createFailing() {
  const failing = new Map<string, 'cluster_unreachable' | 'apply_forbidden'>()
  const cluster = createMemoryCluster({
    admit: ({ name }) => {
      const code = failing.get(name)
      if (code) throw new AgentError(code, 'API server: no answer')
    },
  })
  return { cluster, failing }
}

describe('an application that cannot be brought for want of an answer', () => {
  it('F31: is on its way for three minutes, says why, and is applied once there is an answer', async () => {
    const { cluster, failing } = createFailing()
    await using hands = createMemoryHands({}, cluster)
    failing.set('a', 'cluster_unreachable')
    await hands.bring(shop)
    const seen = () => [hands.state('shop')?.phase, hands.state('shop')?.errors[0]?.message]
    assert.deepEqual(seen(), ['Applying', 'API server: no answer'])
    await hands.clock.advance(60_000)
    assert.deepEqual(seen(), ['Applying', 'API server: no answer'])
    failing.clear()
    await hands.clock.advance(60_000)
    assert.deepEqual(seen(), ['Applied', undefined])
  })

  it('has failed when that lasts, and stays so until it is applied', async () => {
    const { cluster, failing } = createFailing()
    await using hands = createMemoryHands({}, cluster)
    failing.set('a', 'cluster_unreachable')
    await hands.bring(shop)
    await hands.clock.advance(5 * 60_000)
    assert.equal(hands.state('shop')?.phase, 'Failed')
    // Other content is a new beginning.
    await hands.bring(
      presentApplication('shop', [namespace, createConfig('shop', 'a')], { generation: 2 }),
    )
    assert.equal(hands.state('shop')?.phase, 'Applying')
  })

  it('has failed at once where anything else is wrong with it', async () => {
    const { cluster, failing } = createFailing()
    await using hands = createMemoryHands({}, cluster)
    failing.set('a', 'cluster_unreachable')
    failing.set('b', 'apply_forbidden')
    await hands.bring(shop)
    assert.equal(hands.state('shop')?.phase, 'Failed')
    failing.delete('b')
    await hands.clock.advance(60_000)
    assert.equal(hands.state('shop')?.phase, 'Failed', 'and does not flicker')
  })

  it('counts anew from where there was an answer, also while it waits for something of its own', async () => {
    const { cluster, failing } = createFailing()
    await using hands = createMemoryHands({}, cluster)
    const job = createJob('migrate', { 'argocd.argoproj.io/hook': 'PreSync' })
    failing.set('migrate', 'cluster_unreachable')
    await hands.bring(
      presentApplication('shop', [namespace, job, createConfig('shop', 'a')], { timeout: 600_000 }),
    )
    assert.equal(hands.state('shop')?.phase, 'Applying')
    failing.clear()
    await hands.clock.advance(240_000)
    assert.match(hands.state('shop')?.waiting ?? '', /migrate has not ended/)
    failing.set('a', 'cluster_unreachable')
    hands.end('batch/Job/shop/migrate', 'Complete')
    await hands.clock.advance(5_000)
    const { phase, errors } = hands.state('shop')!
    assert.deepEqual([phase, errors[0]?.message], ['Applying', 'API server: no answer'])
  })

  it('runs no hook for failure before it has failed', async () => {
    const { cluster, failing } = createFailing()
    await using hands = createMemoryHands({}, cluster)
    const job = createJob('tell', { 'argocd.argoproj.io/hook': 'SyncFail' })
    failing.set('a', 'cluster_unreachable')
    await hands.bring(presentApplication('shop', [namespace, job, createConfig('shop', 'a')]))
    await hands.clock.advance(60_000)
    assert.equal(hands.state('shop')?.phase, 'Applying')
    assert.equal(cluster.read('batch/Job/shop/tell'), undefined)
    await hands.clock.advance(4 * 60_000)
    assert.equal(hands.state('shop')?.phase, 'Failed')
    assert.ok(cluster.read('batch/Job/shop/tell'))
  })
})
