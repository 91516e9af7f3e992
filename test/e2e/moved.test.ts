import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { AgentError } from '../../agent/errors.ts'
import { newestRollout, untilFaults, waitForRollout } from '../support/api-client.ts'
import { clusterFiles, configMap } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { createMemoryCluster } from '../support/memory-cluster.ts'
import { movingApplication, movingStrategies } from '../support/moving-fleet.ts'
import { createMovingClusters, movingClusterNames } from '../support/moving-clusters.ts'
import { until } from '../support/until.ts'
import { putBefore } from '../unit/agent/apply/put-before.ts'

/* What another application is to get, and what was there before, is not deleted, whatever comes of it. Each test
   has applications and a namespace of its own; an object called `refused` is one that no cluster takes. */

describe('I4, F44: nothing is deleted that another application is to get, or that was there before', () => {
  let stack: AsyncDisposableStack
  let world: Awaited<ReturnType<typeof createSurroundings>>
  let hub: HubProcess
  const agents: MemoryAgent[] = []

  const { clusters, idOf, onAll, uidsOf, ownersOf, everywhere, deletionsIn } =
    createMovingClusters()
  const commit = (files: Record<string, string | null>) => world.repository.commit(files)
  const succeeded = (name: string) => waitForRollout(hub.api, name, 'Succeeded')
  async function approve(name: string): Promise<void> {
    const { id } = await waitForRollout(hub.api, name, 'Progressing')
    await hub.api.post(`rollouts/${id}/approve`)
    await succeeded(name)
  }
  /** The rollout that comes after one, once it is in a phase. */
  const follows = (name: string, before: string, phase: string) =>
    until(
      async () => {
        const newest = await newestRollout(hub.api, name)
        return newest?.id !== before && newest?.phase === phase
      },
      { deadlineMs: 60_000, intervalMs: 100, what: `the next rollout of ${name} to be ${phase}` },
    )

  before(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await createSurroundings())
    await commit({
      ...clusterFiles,
      'fleet/strategies.yaml': movingStrategies,
      // So that no removal is that of most applications.
      ...movingApplication('steady', 'steady', 'plain', ['settings']),
      ...movingApplication('calm', 'calm', 'plain', ['settings']),
      ...movingApplication('still', 'still', 'plain', ['settings']),
    })
    hub = await world.start({ interval: '200ms' })
    await untilReady(hub)
    for (const name of movingClusterNames) {
      const cluster = createMemoryCluster({
        uid: randomUUID(),
        admit(id) {
          if (id.name === 'refused') throw new AgentError('apply_failed', 'nobody takes this')
        },
      })
      clusters.set(name, cluster)
      agents.push(stack.use(await startMemoryAgent(hub, name, { cluster })))
    }
    for (const name of ['steady', 'calm', 'still']) {
      const has = () => ownersOf(idOf(name, 'settings')).every((owner) => owner === name)
      await until(has, { deadlineMs: 60_000, what: `${name} to be everywhere` })
    }
  })
  after(() => stack?.disposeAsync())

  it('of two applications that both stay: one that moved is left until the other’s gate opens', async () => {
    await commit({
      ...movingApplication('left', 'pair', 'plain', ['moves', 'stays', 'ends']),
      ...movingApplication('right', 'pair', 'gated', ['other']),
    })
    await succeeded('left')
    await approve('right')
    const { id } = (await newestRollout(hub.api, 'left'))!
    const before = uidsOf(idOf('pair', 'moves'))
    await commit({
      'apps/left/moves.yaml': null,
      'apps/left/ends.yaml': null,
      'apps/right/moves.yaml': configMap('moves', 'of right'),
    })
    await follows('left', id, 'Succeeded')
    await waitForRollout(hub.api, 'right', 'Progressing')
    assert.deepEqual(uidsOf(idOf('pair', 'moves')), before)
    assert.deepEqual(uidsOf(idOf('pair', 'ends')), everywhere(undefined), 'nobody wants it')
    await approve('right')
    assert.deepEqual(uidsOf(idOf('pair', 'moves')), before)
    assert.deepEqual(ownersOf(idOf('pair', 'moves')), everywhere('right'))
    const { id: moved } = (await newestRollout(hub.api, 'left'))!
    await commit({ 'apps/left/stays.yaml': configMap('stays', 'again') })
    await follows('left', moved, 'Succeeded')
    assert.deepEqual(uidsOf(idOf('pair', 'moves')), before)
    assert.deepEqual(deletionsIn('pair').length, movingClusterNames.length, 'of what ended alone')
  })

  it('of one that is renamed and cut down in one commit: what goes on is left, the rest goes', async () => {
    await commit(movingApplication('whole', 'cut', 'plain', ['kept', 'ends']))
    await succeeded('whole')
    const { id } = (await newestRollout(hub.api, 'whole'))!
    const before = uidsOf(idOf('cut', 'kept'))
    await commit({
      ...{ 'fleet/whole.yaml': null, 'apps/whole/kept.yaml': null, 'apps/whole/ends.yaml': null },
      ...movingApplication('half', 'cut', 'gated', ['kept']),
    })
    await follows('whole', id, 'Succeeded')
    await waitForRollout(hub.api, 'half', 'Progressing')
    assert.deepEqual(uidsOf(idOf('cut', 'kept')), before)
    assert.deepEqual(uidsOf(idOf('cut', 'ends')), everywhere(undefined))
    await approve('half')
    assert.deepEqual(uidsOf(idOf('cut', 'kept')), before)
    assert.deepEqual(ownersOf(idOf('cut', 'kept')), everywhere('half'))
  })

  it('of a first rollout that is rolled back: what was there before stays, what it made goes', async () => {
    for (const cluster of clusters.values()) {
      const home = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'old' } }
      const metadata = { name: 'settings', namespace: 'old' }
      await putBefore(cluster, home, { apiVersion: 'v1', kind: 'ConfigMap', metadata })
    }
    const before = uidsOf(idOf('old', 'settings'))
    await commit(movingApplication('adopts', 'old', 'plain', ['settings', 'fresh', 'refused']))
    await waitForRollout(hub.api, 'adopts', 'RolledBack')
    const applied = onAll(({ calls }) => calls.includes(`apply ${idOf('old', 'settings')}`))
    assert.ok(applied.includes(true), 'it was adopted')
    assert.deepEqual(uidsOf(idOf('old', 'settings')), before)
    assert.deepEqual(ownersOf(idOf('old', 'settings')), everywhere(undefined))
    assert.deepEqual(uidsOf(idOf('old', 'fresh')), everywhere(undefined))
    assert.ok(onAll((cluster) => cluster.read('/Namespace//old')).every(Boolean))
  })

  it('of one that goes back to what it had: what it took over meanwhile is let go', async () => {
    await commit({
      ...movingApplication('gives', 'given', 'plain', ['moves', 'stays']),
      ...movingApplication('takes', 'given', 'plain', ['other']),
    })
    await succeeded('gives')
    await succeeded('takes')
    const before = uidsOf(idOf('given', 'moves'))
    const { id } = (await newestRollout(hub.api, 'takes'))!
    await commit({
      'apps/gives/moves.yaml': null,
      'apps/takes/moves.yaml': configMap('moves', 'of takes'),
      'apps/takes/refused.yaml': configMap('refused', 'of takes'),
    })
    await follows('takes', id, 'RolledBack')
    assert.deepEqual(uidsOf(idOf('given', 'moves')), before)
    const { id: failed } = (await newestRollout(hub.api, 'takes'))!
    await commit({ 'apps/takes/refused.yaml': null })
    await follows('takes', failed, 'Succeeded')
    assert.deepEqual(uidsOf(idOf('given', 'moves')), before)
    assert.deepEqual(ownersOf(idOf('given', 'moves')), everywhere('takes'))
    assert.deepEqual(deletionsIn('given'), [])
  })

  it('of one whose new half fails and is rolled back: all of it stays', async () => {
    await commit(movingApplication('first', 'again', 'plain', ['settings']))
    await succeeded('first')
    const { id } = (await newestRollout(hub.api, 'first'))!
    const before = uidsOf(idOf('again', 'settings'))
    await commit({
      ...{ 'fleet/first.yaml': null, 'apps/first/settings.yaml': null },
      ...movingApplication('second', 'again', 'plain', ['settings', 'refused']),
    })
    await waitForRollout(hub.api, 'second', 'RolledBack')
    await follows('first', id, 'Succeeded')
    assert.deepEqual(uidsOf(idOf('again', 'settings')), before)
    assert.deepEqual(deletionsIn('again'), [])
  })

  it('of one whose new half cannot be rendered: nothing is removed, and that is said; a person may', async () => {
    await commit(movingApplication('sound', 'torn', 'plain', ['settings']))
    await succeeded('sound')
    const before = uidsOf(idOf('torn', 'settings'))
    await commit({
      ...{ 'fleet/sound.yaml': null, 'apps/sound/settings.yaml': null },
      ...movingApplication('broken', 'torn', 'plain', []),
      'apps/broken/settings.yaml': 'kind: [ConfigMap\n',
    })
    const { faults } = await untilFaults(hub.api, 'the removal to wait', ({ faults }) =>
      faults.some(({ message }) => message.startsWith('it is not removed on a, b, c yet')),
    )
    assert.ok(faults.some(({ message }) => message.includes('swell rollout start sound')))
    assert.deepEqual(uidsOf(idOf('torn', 'settings')), before)
    await hub.api.post('rollouts', { application: 'sound', reason: 'it is meant' })
    await until(() => uidsOf(idOf('torn', 'settings')).every((uid) => uid === undefined), {
      deadlineMs: 30_000,
      what: 'it to be gone',
    })
    await commit({ 'fleet/broken.yaml': null, 'apps/broken/settings.yaml': null })
    await assertLedgerHolds(hub.data)
  })
})
