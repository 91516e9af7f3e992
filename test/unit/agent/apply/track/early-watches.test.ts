import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { watchEarly } from '../../../../../agent/apply/track/early-watches.ts'
import { createTracked } from '../../../../../agent/apply/track/tracked.ts'
import type { Resource } from '../../../../../agent/cluster/port.ts'
import { AgentError } from '../../../../../agent/errors.ts'
import { createConfig, createNamespace } from '../../../../support/hands.ts'
import { createMemoryCluster } from '../../../../support/memory-cluster.ts'
import { presentApplication, removedApplication } from '../../../../support/verified-snapshot.ts'
import { createMemoryHands } from '../memory-hands.ts'

const never = new AbortController().signal
const shop = [createNamespace('shop'), createConfig('shop', 'c')]

describe('watches that begin before their applications run', () => {
  async function begin(signal = never) {
    const needed: string[] = []
    const asked: string[] = []
    const memory = createMemoryCluster()
    const config = createConfig('shop', 'h')
    const annotations = { 'argocd.argoproj.io/hook': 'PreSync' }
    const hook = { ...config, kind: 'Secret', metadata: { ...config.metadata, annotations } }
    const wanted = [
      presentApplication('a', [...shop, hook]),
      presentApplication('b', [createConfig('shop', 'd')]),
      removedApplication('c'),
    ]
    const resource = async (apiVersion: string, kind: string): Promise<Resource> => {
      asked.push(kind)
      if (kind === 'Namespace') throw new AgentError('cluster_unreachable', 'away')
      return memory.resource(apiVersion, kind, never)
    }
    const observer = {
      need: (name: string, [one]: readonly Resource[]) => void needed.push(`${name} ${one!.kind}`),
    }
    await watchEarly(wanted.map(createTracked), { cluster: { resource }, observer }, signal)
    return { asked, needed }
  }

  it('are those of every kind that is wanted, each found once, but not of hooks', async () => {
    const { asked, needed } = await begin()
    assert.deepEqual(asked.toSorted(), ['ConfigMap', 'Namespace'])
    // What cannot be found is for the run to say.
    assert.deepEqual(needed, ['a ConfigMap', 'b ConfigMap'])
  })

  it('do not begin when a newer snapshot has come', async () => {
    assert.deepEqual(await begin(AbortSignal.abort()), { asked: [], needed: [] })
  })

  it('read what comes later while the namespace is still being read', async () => {
    const memory = createMemoryCluster()
    const watched: string[] = []
    await using hands = createMemoryHands(
      {},
      {
        ...memory,
        async *watch(resource, ...rest) {
          watched.push(resource.kind)
          if (resource.kind !== 'Namespace') yield* memory.watch(resource, ...rest)
          else await Promise.withResolvers().promise
        },
      },
    )
    const going = hands.bring(presentApplication('shop', shop))
    for (let n = 0; n < 20; n += 1) await Promise.resolve()
    await hands.clock.advance(1)
    assert.deepEqual(watched.toSorted(), ['ConfigMap', 'Namespace'])
    await hands.clock.advance(60_000)
    await going
    assert.equal(hands.state('shop')?.phase, 'Applied')
  })
})
