import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WatchEvent } from '../../../../agent/cluster/port.ts'
import { createConfig, createDeployment, createNamespace } from '../../../support/hands.ts'
import { createMemoryCluster, type MemoryCluster } from '../../../support/memory-cluster.ts'
import { presentApplication, verifiedSnapshot } from '../../../support/verified-snapshot.ts'
import { createMemoryHands } from '../apply/memory-hands.ts'

const never = new AbortController().signal
const web = 'apps/Deployment/shop/web'
const shop = [createNamespace('shop'), createDeployment('shop')]

describe('what is known of a kind', () => {
  it('F43: takes nothing for left behind whose kind nobody watches any more', async () => {
    const memory = createMemoryCluster()
    const cluster: MemoryCluster = {
      ...memory,
      async *watch(...given) {
        for await (const event of memory.watch(...given)) if (event.type !== 'deleted') yield event
      },
    }
    await using agent = createMemoryHands({}, cluster)
    const bring = (generation: number, ...objects: Parameters<typeof presentApplication>[1]) =>
      agent.workloads.reconcile(
        verifiedSnapshot(presentApplication('shop', [...shop, ...objects], { generation })),
        never,
      )
    await bring(1, createConfig('shop', 'a'))
    await bring(2)
    assert.equal(cluster.read('/ConfigMap/shop/a'), undefined)
    await bring(3, { ...createConfig('shop', 's'), kind: 'Secret' })
    assert.deepEqual(agent.state('shop')?.drift, [])
  })

  it('I8: calls nothing healthy that has not been watched for long', async () => {
    const memory = createMemoryCluster()
    let tell: ((event: WatchEvent) => void) | undefined
    const cluster: MemoryCluster = {
      ...memory,
      async *watch(...given) {
        if (given[0].kind !== 'Deployment') return yield* memory.watch(...given)
        for await (const event of memory.watch(...given)) {
          yield event
          if (event.type !== 'synced') continue
          yield await new Promise<WatchEvent>((resolve) => (tell = resolve))
          yield await new Promise<WatchEvent>((resolve) => (tell = resolve))
        }
      },
    }
    await using agent = createMemoryHands({}, cluster)
    await agent.workloads.reconcile(verifiedSnapshot(presentApplication('shop', shop)), never)
    await agent.clock.advance(1_000)
    assert.equal(agent.state('shop')?.health, 'Current')
    tell!({ type: 'lost', reason: 'list deployments: no more' })
    await agent.clock.advance(1_000)
    const words = 'cannot be watched: list deployments: no more'
    assert.deepEqual(agent.reports.at(-1)?.unhealthy, [
      { object: web, health: 'Unknown', message: words },
    ])
    tell!({ type: 'synced', ids: new Set([web]) })
    await agent.clock.advance(1_000)
    assert.equal(agent.reports.at(-1)?.health, 'Current')
  })
})
