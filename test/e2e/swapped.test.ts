import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { newestRollout, type RolloutSummary, waitForRollout } from '../support/api-client.ts'
import { clusterFiles, configMap } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { createMemoryCluster } from '../support/memory-cluster.ts'
import {
  movingApplication,
  type MovingStrategy,
  movingStrategies,
} from '../support/moving-fleet.ts'
import { createMovingClusters, movingClusterNames } from '../support/moving-clusters.ts'
import { until } from '../support/until.ts'

/* Applications that give each other objects in one commit: each can go only with the others. */

interface RolloutWaits {
  readonly waitingFor: readonly string[]
}

describe('I4, F44: applications that swap objects come together, and nothing is deleted', () => {
  let stack: AsyncDisposableStack
  let world: Awaited<ReturnType<typeof createSurroundings>>
  let hub: HubProcess
  const agents: MemoryAgent[] = []

  const { clusters, idOf, uidsOf, ownersOf, everywhere, deletionsIn } = createMovingClusters()
  const commit = (files: Record<string, string | null>) => world.repository.commit(files)

  /** A ring of applications, each with one object that the next is to get. */
  async function createRing(home: string, strategies: Readonly<Record<string, MovingStrategy>>) {
    const ring = Object.keys(strategies)
    const files = ring.map((name) =>
      movingApplication(name, home, strategies[name]!, [`${name}-object`, `${name}-stays`]),
    )
    await commit(Object.assign({}, ...files))
    for (const name of ring) {
      const { id } = await waitForRollout(
        hub.api,
        name,
        strategies[name] === 'gated' ? 'Progressing' : 'Succeeded',
      )
      if (strategies[name] === 'gated') await hub.api.post(`rollouts/${id}/approve`)
      await waitForRollout(hub.api, name, 'Succeeded')
    }
    const ids = ring.flatMap((name) => [`${name}-object`, `${name}-stays`])
    const all = () => ids.map((one) => uidsOf(idOf(home, one)))
    const before = all()
    const firsts = new Map<string, string>()
    for (const name of ring) firsts.set(name, (await newestRollout(hub.api, name))!.id)
    const next = (name: string) => ring[(ring.indexOf(name) + 1) % ring.length]!
    return {
      turn: () =>
        commit(
          Object.assign(
            {},
            ...ring.map((name) => ({
              [`apps/${name}/${name}-object.yaml`]: null,
              [`apps/${next(name)}/${name}-object.yaml`]: configMap(
                `${name}-object`,
                `of ${next(name)}`,
              ),
            })),
          ),
        ),
      /** The second rollout of one, once it is in a phase; what ends otherwise fails at once. */
      async second(name: string, phase: string): Promise<RolloutSummary> {
        const isOver = new Set(['Paused', 'RolledBack', 'Failed', phase])
        const found = await until(
          async () => {
            const newest = await newestRollout(hub.api, name)
            return newest && newest.id !== firsts.get(name) && isOver.has(newest.phase)
              ? newest
              : undefined
          },
          { deadlineMs: 60_000, intervalMs: 100, what: `the swap of ${name} to be ${phase}` },
        )
        assert.equal(found.phase, phase, found.message)
        return found
      },
      assertUntouched() {
        assert.deepEqual(all(), before)
        for (const name of ring) {
          assert.deepEqual(ownersOf(idOf(home, `${name}-object`)), everywhere(name))
        }
      },
      assertTurned() {
        assert.deepEqual(all(), before, 'no object was made anew')
        for (const name of ring) {
          assert.deepEqual(ownersOf(idOf(home, `${name}-object`)), everywhere(next(name)))
          assert.deepEqual(ownersOf(idOf(home, `${name}-stays`)), everywhere(name))
        }
        assert.deepEqual(deletionsIn(home), [])
      },
    }
  }

  before(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await createSurroundings())
    await commit({ ...clusterFiles, 'fleet/strategies.yaml': movingStrategies })
    hub = await world.start({ interval: '200ms' })
    await untilReady(hub)
    for (const name of movingClusterNames) {
      const cluster = createMemoryCluster({ uid: randomUUID() })
      clusters.set(name, cluster)
      agents.push(stack.use(await startMemoryAgent(hub, name, { cluster })))
    }
  })
  after(() => stack?.disposeAsync())

  it('two that swap, in one commit', async () => {
    const ring = await createRing('pair', { 'pair-1': 'plain', 'pair-2': 'plain' })
    await ring.turn()
    for (const name of ['pair-1', 'pair-2']) await ring.second(name, 'Succeeded')
    ring.assertTurned()
  })

  it('three in a ring, in one commit', async () => {
    const all = { 'ring-1': 'plain', 'ring-2': 'plain', 'ring-3': 'plain' } as const
    const ring = await createRing('ring', all)
    await ring.turn()
    for (const name of Object.keys(all)) await ring.second(name, 'Succeeded')
    ring.assertTurned()
  })

  it('two that go through the clusters one at a time, and in opposite orders', async () => {
    const ring = await createRing('slow', { up: 'upward', down: 'downward' })
    await ring.turn()
    for (const name of ['up', 'down']) await ring.second(name, 'Succeeded')
    ring.assertTurned()
  })

  it('two of which one stands at a gate: both wait, over restarts, and go by themselves once it is open', async () => {
    const ring = await createRing('gate', { free: 'plain', bound: 'gated' })
    await ring.turn()
    await ring.second('bound', 'Progressing')
    const { id } = await ring.second('free', 'Progressing')
    const { waitingFor } = await hub.api.get<RolloutWaits>(`rollouts/${id}`)
    assert.match(waitingFor.join(), /3 clusters wait for application bound/)
    ring.assertUntouched()
    for (const agent of agents) {
      await agent.stop()
      await agent.start()
    }
    await hub.stop()
    await hub.start()
    await untilReady(hub)
    ring.assertUntouched()
    const gate = await ring.second('bound', 'Progressing')
    await hub.api.post(`rollouts/${gate.id}/approve`)
    for (const name of ['free', 'bound']) await ring.second(name, 'Succeeded')
    ring.assertTurned()
    await assertLedgerHolds(hub.data)
  })

  it('two that swap while a cluster is away: they come there together when it is back', async () => {
    const ring = await createRing('away', { here: 'plain', there: 'plain' })
    await agents[2]!.stop()
    await ring.turn()
    for (const name of ['here', 'there']) await ring.second(name, 'Succeeded')
    await agents[2]!.start()
    const hasTurned = () => ownersOf(idOf('away', 'here-object')).every((one) => one === 'there')
    await until(hasTurned, { deadlineMs: 60_000, what: 'the cluster to catch up' })
    for (const name of ['here', 'there']) await ring.second(name, 'Succeeded')
    ring.assertTurned()
  })

  it('two of which one is paused half way: what is kept is healed over a restart of its agent', async () => {
    const ring = await createRing('half', { early: 'soaking', late: 'plain' })
    await ring.turn()
    const { id } = await ring.second('early', 'Progressing')
    const late = await ring.second('late', 'Progressing')
    const isKept = async () => {
      const { waitingFor } = await hub.api.get<RolloutWaits>(`rollouts/${late.id}`)
      return /cluster c gets it together with what application early/.test(waitingFor.join())
    }
    await until(isKept, { deadlineMs: 20_000, intervalMs: 50, what: 'c to be kept' })
    await hub.api.post(`rollouts/${id}/pause`)
    await commit(movingApplication('news', 'half-news', 'plain', ['news']))
    await waitForRollout(hub.api, 'news', 'Succeeded')
    await agents[2]!.stop()
    await agents[2]!.start()
    const stays = idOf('half', 'late-stays')
    clusters.get('c')!.drop(stays)
    const isHealed = () => clusters.get('c')!.read(stays) !== undefined
    await until(isHealed, { deadlineMs: 20_000, what: 'what is kept to be healed' })
    assert.equal(ownersOf(idOf('half', 'late-object'))[2], 'late')
    await hub.api.post(`rollouts/${id}/resume`)
    for (const name of ['early', 'late']) await ring.second(name, 'Succeeded')
    assert.deepEqual(ownersOf(idOf('half', 'late-object')), everywhere('early'))
    assert.deepEqual(ownersOf(idOf('half', 'early-object')), everywhere('late'))
  })

  it('one that gets what another at its gate still has waits for it, and does not fail', async () => {
    await commit({
      ...movingApplication('giver', 'way', 'gated', ['moves', 'stays']),
      ...movingApplication('taker', 'way', 'plain', ['other']),
    })
    const first = await waitForRollout(hub.api, 'giver', 'Progressing')
    await hub.api.post(`rollouts/${first.id}/approve`)
    await waitForRollout(hub.api, 'giver', 'Succeeded')
    const { id } = await waitForRollout(hub.api, 'taker', 'Succeeded')
    const before = uidsOf(idOf('way', 'moves'))
    await commit({
      'apps/giver/moves.yaml': null,
      'apps/taker/moves.yaml': configMap('moves', 'of taker'),
    })
    const gate = await waitForRollout(hub.api, 'giver', 'Progressing')
    await until(async () => (await newestRollout(hub.api, 'taker'))?.id !== id, {
      deadlineMs: 30_000,
      what: 'the taker to be planned',
    })
    await hub.api.post(`rollouts/${gate.id}/approve`)
    await waitForRollout(hub.api, 'giver', 'Succeeded')
    await until(async () => (await newestRollout(hub.api, 'taker'))?.phase === 'Succeeded', {
      deadlineMs: 30_000,
      what: 'the taker to have it',
    })
    assert.deepEqual(uidsOf(idOf('way', 'moves')), before)
    assert.deepEqual(ownersOf(idOf('way', 'moves')), everywhere('taker'))
  })
})
