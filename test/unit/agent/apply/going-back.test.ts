import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AgentError } from '../../../../agent/errors.ts'
import { createConfig, createNamespace } from '../../../support/hands.ts'
import { type MemoryCluster, createMemoryCluster } from '../../../support/memory-cluster.ts'
import { presentApplication } from '../../../support/verified-snapshot.ts'
import { createMemoryHands } from './memory-hands.ts'

/* A change that went wrong half way, and is taken back: what lives is what was asked for last. */

const config = '/ConfigMap/shop/settings'

function contentOf(text: string) {
  const settings = createConfig('shop', 'settings')
  return [createNamespace('shop'), { ...settings, data: { text } }]
}

const textIn = (cluster: MemoryCluster): unknown =>
  (cluster.read(config)?.['data'] as { readonly text?: string } | undefined)?.text

describe('going back to what was there before', () => {
  it('writes it, although it was never written down that there was anything else', async () => {
    let failing = false
    const cluster = createMemoryCluster({
      admit: ({ name }) => {
        if (failing && name === 'groundswell-inventory-shop') {
          throw new AgentError('cluster_unreachable', 'the inventory is not written')
        }
      },
    })
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(presentApplication('shop', contentOf('good')))
    assert.equal(hands.state('shop')?.phase, 'Applied')
    failing = true
    await hands.bring(presentApplication('shop', contentOf('bad'), { generation: 2 }))
    assert.deepEqual([textIn(cluster), hands.state('shop')?.phase], ['bad', 'Applying'])
    failing = false
    await hands.bring(presentApplication('shop', contentOf('good'), { generation: 3 }))
    assert.deepEqual([textIn(cluster), hands.state('shop')?.phase], ['good', 'Applied'])
  })

  it('writes it, although the answer to the write before was lost, and the watch told nothing', async () => {
    const memory = createMemoryCluster()
    let lost = false
    const cluster: MemoryCluster = {
      ...memory,
      async apply(...given) {
        const done = await memory.apply(...given)
        if (lost && given[1].name === 'settings') {
          throw new AgentError('cluster_unreachable', 'its answer is lost')
        }
        return done
      },
      async *watch(...given) {
        for await (const event of memory.watch(...given)) {
          if (!lost || event.type !== 'modified') yield event
        }
      },
    }
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(presentApplication('shop', contentOf('good')))
    lost = true
    await hands.bring(presentApplication('shop', contentOf('bad'), { generation: 2 }))
    assert.deepEqual([textIn(cluster), hands.state('shop')?.phase], ['bad', 'Applying'])
    lost = false
    await hands.bring(presentApplication('shop', contentOf('good'), { generation: 3 }))
    assert.deepEqual([textIn(cluster), hands.state('shop')?.phase], ['good', 'Applied'])
  })
})
