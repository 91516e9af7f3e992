import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { parseEnvelope } from '@groundswell/proto/envelope.ts'
import { parseSnapshot } from '@groundswell/proto/snapshot.ts'
import { newestRollout, untilFaults, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import type { ApplicationDetail, RolloutDetail } from '../support/settled-fleet.ts'
import { until } from '../support/until.ts'

/* Clusters that come back: by a label that was gone for a moment, and after many versions. */

const graceMs = 4_000
const versions = 40

describe('a cluster that comes back', () => {
  let stack: AsyncDisposableStack
  let world: Awaited<ReturnType<typeof createSurroundings>>
  let hub: HubProcess
  const agents = new Map<string, MemoryAgent>()
  const offers = new Map<string, number[]>()
  const object = (cluster: string, name = 'settings') =>
    agents.get(cluster)!.cluster.read(`/ConfigMap/web/${name}`) as
      { data?: { text?: string } } | undefined
  const texts = () => [...agents.keys()].map((name) => object(name)?.data?.text)
  const without = (cluster: string): string =>
    clusterFiles['fleet/clusters.yaml']!.replace(
      `name: ${cluster}\n  labels:\n    ring: production`,
      `name: ${cluster}\n  labels:\n    ring: none`,
    )

  before(async () => {
    stack = new AsyncDisposableStack()
    world = stack.use(await createSurroundings())
    const web = applicationFiles('web', 'one')
    await world.repository.commit({
      ...{ ...clusterFiles, ...strategyFile('0s'), ...web },
      'fleet/web.yaml': web['fleet/web.yaml']!.replace(
        'clusterSelector: {}',
        'clusterSelector: { matchExpressions: [{ key: ring, operator: In, values: [canary, production] }] }',
      ),
      'apps/web/first.yaml': configMap('first', 'of the first version'),
    })
    hub = await world.start({
      ...{ interval: '200ms', args: ['--removal-grace', `${graceMs / 1000}s`] },
    })
    await untilReady(hub)
    for (const name of ['a', 'b', 'c']) {
      const onOffer = (envelope: Uint8Array): void => {
        const payload = Buffer.from(parseEnvelope(envelope, 'snapshot').payload, 'base64url')
        offers.set(name, [...(offers.get(name) ?? []), parseSnapshot(payload).sequence])
      }
      agents.set(name, stack.use(await startMemoryAgent(hub, name, { onOffer })))
    }
    await untilAllHave('one', texts)
    await waitForRollout(hub.api, 'web', 'Succeeded')
  })

  after(() => stack?.disposeAsync())

  it('F47: by a label that was gone for a moment: nothing is removed there', async () => {
    await world.repository.commit({ 'fleet/clusters.yaml': without('b') })
    const { warnings } = await untilFaults(hub.api, 'it to be selected no more', (fleet) =>
      fleet.warnings.some(({ message }) => message.includes('is selected no more')),
    )
    assert.match(JSON.stringify(warnings), /removed there at 20.*"cluster":"b"/)
    await world.repository.commit(clusterFiles)
    await untilFaults(hub.api, 'it to be selected again', (fleet) => fleet.warnings.length === 0)
    // What comes after it gets there, and nothing went away in between.
    const back = Date.now()
    await until(() => Date.now() > back + graceMs, { deadlineMs: 30_000, what: 'the time to pass' })
    const commit = await world.repository.commit({
      'apps/web/settings.yaml': configMap('settings', 'two'),
    })
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
    await untilAllHave('two', texts)
    const deleted = agents.get('b')!.cluster.calls.filter((call) => call.startsWith('delete'))
    assert.deepEqual(deleted, [])
  })

  it('F47: one that stays out is removed once the time is over, as a rollout of its own', async () => {
    await world.repository.commit({ 'fleet/clusters.yaml': without('b') })
    await until(() => object('b') === undefined, { deadlineMs: 30_000, what: 'it to be removed' })
    const { waves } = await hub.api.get<RolloutDetail>(
      `rollouts/${(await newestRollout(hub.api, 'web'))!.id}`,
    )
    assert.deepEqual(
      waves.at(-1)?.clusters.map(({ name }) => name),
      ['b'],
    )
    await world.repository.commit(clusterFiles)
    await untilAllHave('two', texts)
    await waitForRollout(hub.api, 'web', 'Succeeded')
  })

  it('F41: a rollout is rolled back with the Git server away, by a hub that has just started', async () => {
    const commit = await world.repository.commit({
      'apps/web/settings.yaml': configMap('settings', 'bad'),
    })
    const { id } = await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
    await untilAllHave('bad', texts)
    world.git.fail()
    await hub.kill()
    await hub.start()
    await until(async () => (await newestRollout(hub.api, 'web'))?.id === id, {
      deadlineMs: 20_000,
      what: 'the hub to have read its ledger',
    })
    // Until it has restored what it decided it answers 503, and does nothing.
    await until(
      () => hub.api.post(`rollouts/${id}/rollback`, { reason: 'it is bad' }).then(() => true),
      { deadlineMs: 20_000, what: 'the hub to take the rollback' },
    )
    await untilAllHave('two', texts)
    await waitForRollout(hub.api, 'web', 'RolledBack')
    // Git is back and asks for what is held: nothing moves by itself.
    world.git.resume()
    const polls = world.git.requests
    await until(() => world.git.requests > polls + 4, { deadlineMs: 30_000, what: 'polls' })
    assert.equal((await newestRollout(hub.api, 'web'))?.id, id)
    assert.deepEqual(texts(), ['two', 'two', 'two'])
    const { hold } = await hub.api.get<ApplicationDetail>('applications/web')
    assert.ok(hold?.revision.endsWith(commit))
  })

  it('F48: after forty versions: one jump to the newest, and what it missed stays undone', async (t) => {
    const late = agents.get('c')!
    await late.stop()
    late.cluster.calls.length = 0
    offers.set('c', [])
    let commit = ''
    for (let version = 1; version <= versions; version += 1) {
      commit = await world.repository.commit({
        'apps/web/settings.yaml': configMap('settings', `version ${version}`),
        ...(version === 10 && { 'apps/web/first.yaml': null }),
        ...(version === 15 && { 'apps/web/passing.yaml': configMap('passing', 'by') }),
        ...(version === 30 && { 'apps/web/passing.yaml': null }),
      })
      await until(() => object('b')?.data?.text === `version ${version}`, {
        deadlineMs: 20_000,
        what: `b to have version ${version}`,
      })
    }
    await late.start()
    await until(() => object('c')?.data?.text === `version ${versions}`, {
      deadlineMs: 60_000,
      what: 'the newest version',
    })
    await until(() => object('c', 'first') === undefined, {
      deadlineMs: 20_000,
      what: 'what is rendered no more to be deleted',
    })
    await waitForRollout(hub.api, 'web', 'Succeeded')
    const settings = late.cluster.calls.filter((call) => call === 'apply /ConfigMap/web/settings')
    assert.equal(settings.length, 1, 'one jump')
    assert.deepEqual(
      late.cluster.calls.filter((call) => /^delete|passing/.test(call)),
      ['delete /ConfigMap/web/first'],
    )
    const mine = offers.get('c')!
    t.diagnostic(`offers: ${mine.join()}`)
    assert.deepEqual(
      mine,
      mine.toSorted((a, b) => a - b),
    )
    assert.ok(mine.length <= 3, `${mine.length} offers`)
    const { rollouts } = await assertLedgerHolds(hub.data)
    assert.ok(rollouts > versions)
    assert.ok(commit)
  })
})
