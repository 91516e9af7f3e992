import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createNamespace } from '../../../support/hands.ts'
import { createMemoryCluster } from '../../../support/memory-cluster.ts'
import { presentApplication } from '../../../support/verified-snapshot.ts'
import { createJob, createMemoryHands } from './memory-hands.ts'

const id = 'batch/Job/shop/seed'

/** An application with a Job that goes once it has ended. */
function shop(image: string, ttl = 100) {
  const job = createJob('seed')
  const spec = {
    template: { spec: { containers: [{ name: 'main', image }] } },
    ttlSecondsAfterFinished: ttl,
  }
  return presentApplication('shop', [createNamespace('shop'), { ...job, spec }])
}

describe('a Job that goes by itself once it has ended', () => {
  const runsOf = (hands: ReturnType<typeof createMemoryHands>) =>
    hands.writes().filter((call) => call === `apply ${id}`).length

  it('is not missing then, nor made anew, also by the agent that starts after this one', async () => {
    const cluster = createMemoryCluster()
    {
      await using hands = createMemoryHands({}, cluster)
      await hands.bring(shop('seed:1'))
      hands.end(id, 'Complete')
      await hands.clock.advance(1_000)
      cluster.drop(id)
      await hands.clock.advance(120_000)
      const { phase, health, drift, healed } = hands.state('shop')!
      assert.deepEqual([phase, health, drift, healed], ['Applied', 'Current', [], 0])
      assert.equal(runsOf(hands), 1)
    }
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(shop('seed:1'))
    await hands.clock.advance(120_000)
    assert.deepEqual([hands.state('shop')?.health, hands.state('shop')?.drift], ['Current', []])
    assert.equal(runsOf(hands), 1)
    // Other content of it is.
    await hands.bring(shop('seed:2'))
    assert.equal(runsOf(hands), 2)
    cluster.drop(id)
    await hands.clock.advance(1_000)
    assert.equal(runsOf(hands), 3, 'it had not ended')
  })

  it('is not run again where it was there, and had ended, before it was taken over', async () => {
    await using hands = createMemoryHands({
      settle: (object) =>
        object.kind === 'Job'
          ? { ...object, status: { conditions: [{ type: 'Complete', status: 'True' }] } }
          : object,
    })
    await hands.bring(shop('seed:1'))
    await hands.clock.advance(1_000)
    hands.cluster.drop(id)
    await hands.clock.advance(120_000)
    assert.equal(runsOf(hands), 1)
    assert.equal(hands.state('shop')?.health, 'Current')
  })

  it('stays failed where it had failed', async () => {
    const cluster = createMemoryCluster()
    {
      await using hands = createMemoryHands({}, cluster)
      await hands.bring(shop('seed:1', 0))
      hands.end(id, 'Failed')
      cluster.drop(id)
      await hands.clock.advance(1_000)
      assert.equal(hands.state('shop')?.health, 'Failed')
    }
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(shop('seed:1', 0))
    await hands.clock.advance(1_000)
    const words = 'failed, and is gone by its ttlSecondsAfterFinished'
    const unhealthy = [{ object: id, health: 'Failed', message: words }]
    assert.deepEqual(hands.state('shop')?.unhealthy, unhealthy)
    assert.equal(runsOf(hands), 1)
  })

  it('is made anew where it says nothing of going', async () => {
    await using hands = createMemoryHands()
    const job = presentApplication('shop', [createNamespace('shop'), createJob('seed')])
    await hands.bring(job)
    hands.end(id, 'Complete')
    await hands.clock.advance(1_000)
    hands.cluster.drop(id)
    await hands.clock.advance(1_000)
    assert.equal(runsOf(hands), 2)
  })
})
