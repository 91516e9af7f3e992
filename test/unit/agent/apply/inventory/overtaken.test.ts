import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeOvertaken } from '../../../../../agent/apply/inventory/overtaken.ts'
import type { VerifiedSnapshot } from '../../../../../agent/trust/verified.ts'
import { createConfig, createNamespace } from '../../../../support/hands.ts'
import { createMemoryCluster } from '../../../../support/memory-cluster.ts'
import { presentApplication, verifiedSnapshot } from '../../../../support/verified-snapshot.ts'
import { createMemoryHands } from '../memory-hands.ts'

const never = new AbortController().signal
const namespace = createNamespace('shop')
const old = presentApplication('shop', [namespace, createConfig('shop', 'a', { is: 'old' })])
const next = presentApplication(
  'shop',
  [namespace, createConfig('shop', 'a', { is: 'new' }), createConfig('shop', 'b')],
  { generation: 2 },
)
const removed = presentApplication('other', [createConfig('shop', 'c')])

type Application = typeof old

function at(sequence: number, aud: string, ...applications: readonly Application[]) {
  const snapshot = { aud, epoch: 1, sequence }
  return { ...verifiedSnapshot(...applications), snapshot } as unknown as VerifiedSnapshot
}

/** A cluster to which the next was brought by another process, before what it remembers was set back. */
async function overtake(aud = 'c1') {
  const cluster = createMemoryCluster()
  await using hands = createMemoryHands({}, cluster)
  await hands.workloads.reconcile(at(5, aud, old), never)
  await hands.workloads.reconcile(at(6, aud, next), never)
  cluster.calls.length = 0
  return cluster
}

describe('a snapshot that is older than what was applied', () => {
  it('T18: is not carried out, nor healed, before somebody vouches for it (I4)', async () => {
    const cluster = await overtake()
    let vouched = false
    await using hands = createMemoryHands({}, cluster, { isVouched: () => vouched })
    await hands.workloads.reconcile(at(5, 'c1', old, removed), never)
    cluster.drop('/ConfigMap/shop/a')
    await hands.clock.advance(10 * 60_000)
    assert.deepEqual(hands.writes(), [])
    assert.equal(hands.state('shop')?.phase, 'Applying', 'it fails no rollout that soaks here')
    for (const name of ['shop', 'other']) {
      const [error] = hands.state(name)!.errors
      assert.equal(error?.code, 'trust_state_doubtful', name)
      assert.match(error.message, /sequence 6 of epoch 1 was applied here.*sequence 5/)
    }
    vouched = true
    await hands.clock.advance(60_000)
    assert.equal(hands.state('shop')?.phase, 'Applied')
    assert.deepEqual(cluster.read('/ConfigMap/shop/a')?.['data'], { is: 'old' })
    assert.equal(cluster.read('/ConfigMap/shop/b'), undefined)
  })

  it('gives way to the newest at once, which is carried out as ever', async () => {
    const cluster = await overtake()
    await using hands = createMemoryHands({}, cluster, { isVouched: () => false })
    await hands.workloads.reconcile(at(5, 'c1', old), never)
    await hands.workloads.reconcile(at(6, 'c1', next), never)
    assert.equal(hands.state('shop')?.phase, 'Applied')
    assert.deepEqual(hands.writes(), [])
  })

  it('is none that was the newest before a restart: that is healed with nobody to ask', async () => {
    const cluster = await overtake()
    await using hands = createMemoryHands({}, cluster, { isVouched: () => false })
    await hands.workloads.reconcile(at(6, 'c1', next), never)
    cluster.drop('/ConfigMap/shop/b')
    await hands.clock.advance(60_000)
    assert.ok(cluster.read('/ConfigMap/shop/b'))
    assert.equal(hands.state('shop')?.phase, 'Applied')
  })

  it('is told by its own record alone: one that joined anew counts from the beginning', async () => {
    for (const cluster of [await overtake('c0'), await overtake()]) {
      const aud = cluster.read('/ConfigMap/groundswell-system/groundswell-inventory-shop')?.metadata
        .annotations?.['groundswell.dev/applied-by']
      await using hands = createMemoryHands({}, cluster, { isVouched: () => false })
      await hands.workloads.reconcile(at(1, 'c1', old), never)
      const { phase } = hands.state('shop')!
      assert.equal(phase, aud?.startsWith('c0 ') ? 'Applied' : 'Applying')
    }
  })

  it('is one of an older epoch, whatever its sequence', () => {
    const by = (epoch: number, sequence: number) => ({ clusterId: 'c1', epoch, sequence })
    assert.match(describeOvertaken(by(2, 1), by(1, 90)) ?? '', /epoch 2 was applied/)
    assert.equal(describeOvertaken(by(1, 90), by(2, 1)), undefined)
    assert.equal(describeOvertaken(by(1, 90), by(1, 90)), undefined)
    assert.equal(describeOvertaken(undefined, by(1, 1)), undefined)
  })
})
