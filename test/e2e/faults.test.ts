import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import type { FleetView } from '../../hub/api/views.ts'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type SmallFleet, startSmallFleet } from '../support/small-fleet.ts'
import { until } from '../support/until.ts'

describe('a fleet of three API servers, and what may go wrong', () => {
  let fleet: SmallFleet

  before(async () => {
    fleet = await startSmallFleet()
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded')
  })

  after(async () => {
    await fleet?.[Symbol.asyncDispose]()
  })

  let serial = 0

  async function say(text: string): Promise<string> {
    return fleet.repository.commit({ 'apps/web/settings.yaml': configMap('settings', text) })
  }

  /** Whatever the test before left behind: everything up, and every cluster says this new text. */
  async function settle(): Promise<string> {
    serial += 1
    const text = `settled ${serial}`
    const commit = await fleet.repository.commit({
      ...clusterFiles,
      ...strategyFile('1s'),
      ...applicationFiles('web', text),
    })
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
    await assertEverywhere(text)
    return text
  }

  async function assertEverywhere(text: string): Promise<void> {
    for (const cluster of ['a', 'b', 'c']) {
      assert.equal(await fleet.readText(cluster, 'web'), text, `cluster ${cluster}`)
    }
  }

  /** The canary has the commit and is in its soak; production does not. */
  async function untilMidWave(text: string): Promise<string> {
    await until(async () => (await fleet.readText('a', 'web')) === text, {
      deadlineMs: 20_000,
      what: `the canary to say ${text}`,
    })
    assert.notEqual(await fleet.readText('b', 'web'), text)
    assert.notEqual(await fleet.readText('c', 'web'), text)
    const rollout = await newestRollout(fleet.hub.api, 'web')
    assert.equal(rollout?.phase, 'Progressing')
    return rollout.id
  }

  it('a commit reaches the canary first, then production one at a time', async () => {
    await settle()
    const commit = await say('two')
    await untilMidWave('two')
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
    await assertEverywhere('two')
  })

  it('FLUSHALL in mid-wave: the same rollout goes on by itself to the same end', async () => {
    await settle()
    const commit = await say('three')
    const id = await untilMidWave('three')
    const redis = new Redis(fleet.redis.url)
    await redis.flushall()
    redis.disconnect()
    const ended = await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
    assert.equal(ended.id, id)
    await assertEverywhere('three')
  })

  it('kill -9 of the hub in mid-wave: the same rollout goes on by itself to the same end', async () => {
    await settle()
    const commit = await say('four')
    const id = await untilMidWave('four')
    await fleet.hub.kill()
    await fleet.hub.start()
    const ended = await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
    assert.equal(ended.id, id)
    await assertEverywhere('four')
  })

  it('kill -9 and FLUSHALL together, with content to be rendered again from Git', async () => {
    await settle()
    const commit = await say('five')
    const id = await untilMidWave('five')
    await fleet.hub.kill()
    const redis = new Redis(fleet.redis.url)
    await redis.flushall()
    redis.disconnect()
    await fleet.hub.start()
    const ended = await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
    assert.equal(ended.id, id)
    await assertEverywhere('five')
  })

  it('F19: an agent restarted with the hub away goes on healing drift', async () => {
    const text = await settle()
    await fleet.hub.kill()
    const agent = fleet.agents.get('b')!
    await agent.kill()
    const path = '/api/v1/namespaces/web/configmaps/settings?fieldManager=somebody'
    await kubeCall(fleet.planes.get('b')!, 'PATCH', path, { data: { text: 'by hand' } })
    assert.equal(await fleet.readText('b', 'web'), 'by hand')
    await agent.start()
    await until(async () => (await fleet.readText('b', 'web')) === text, {
      deadlineMs: 20_000,
      what: 'the drift to be healed',
    })
    // With nobody else to ask, the agent tells.
    const told = await agent.ask('status')
    assert.match(told, /^cluster b of fleet .*\naway from the hub .*\nat sequence \d+ of epoch 1/)
    assert.match(told, /\nweb: Applied, Current, \d+ of \d+ objects ready, 1 repaired so far/)
    await fleet.hub.start()
    await until(
      async () => {
        const { connection } = await fleet.hub.api.get<{ connection: { state: string } }>(
          'clusters/b',
        )
        return connection.state === 'Connected'
      },
      { deadlineMs: 40_000, what: 'cluster b to be back' },
    )
  })

  it('F41: a fleet repository with a fault keeps the last good one running, and says where', async () => {
    const text = await settle()
    const before = await newestRollout(fleet.hub.api, 'web')
    const good = await fleet.repository.readHead()
    await fleet.repository.commit(applicationFiles('web', 'bad', '  pruen: true\n'))
    const view = await until(
      async () => {
        const found = await fleet.hub.api.get<{
          revision: string
          refused: string | null
          faults: { file: string; line: number; message: string }[]
        }>('fleet')
        return found.refused ? found : undefined
      },
      { deadlineMs: 10_000, what: 'the commit to be refused' },
    )
    assert(view.revision.endsWith(good))
    const [fault] = view.faults
    assert.equal(fault?.file, 'fleet/web.yaml')
    assert.equal(typeof fault?.line, 'number')
    assert.match(fault?.message ?? '', /pruen/)
    assert.equal((await newestRollout(fleet.hub.api, 'web'))?.id, before?.id)
    await assertEverywhere(text)
  })

  it('F41: an application that renders to nothing prunes nothing', async () => {
    const text = await settle()
    await fleet.repository.commit({
      ...applicationFiles('web', 'x'),
      'apps/web/settings.yaml': '# nothing\n',
      'fleet/web.yaml': applicationFiles('web', 'x')['fleet/web.yaml']!.replace(
        '  createNamespace: true\n',
        '',
      ),
    })
    await until(
      async () => {
        const { faults } = await fleet.hub.api.get<{ faults: { message: string }[] }>('fleet')
        return faults.some(({ message }) => /no objects/.test(message))
      },
      { deadlineMs: 10_000, what: 'the empty render to be named' },
    )
    await assertEverywhere(text)
  })

  it('an invalid manifest is named by file, object and cluster, and the canary stops it', async () => {
    const text = await settle()
    const commit = await fleet.repository.commit({
      // What schemas let pass: the hub itself refuses the rest.
      'apps/web/settings.yaml': configMap('settings', 'six').replace(' text:', ' "no key":'),
    })
    const rollout = await until(
      async () => {
        const found = await newestRollout(fleet.hub.api, 'web')
        return found?.revision.endsWith(commit) && found.phase === 'Paused' ? found : undefined
      },
      { deadlineMs: 30_000, what: 'the rollout to pause' },
    )
    assert.match(rollout.message, /./)
    const cluster = await fleet.hub.api.get<{ applications: { message: string }[] }>('clusters/a')
    const words = cluster.applications.map(({ message }) => message).join()
    assert.match(words, /apps\/web\/settings\.yaml/)
    assert.match(words, /ConfigMap\/web\/settings/)
    assert.match(words, /no key/)
    assert.equal(await fleet.readText('b', 'web'), text)
  })

  it('a cluster removed from Git keeps what it runs, and takes nothing more', async () => {
    const text = await settle()
    const files = await fleet.repository.git('show', 'HEAD:fleet/clusters.yaml')
    const without = files.split('---\n').filter((text) => !text.includes('name: c'))
    await fleet.repository.commit({ 'fleet/clusters.yaml': without.join('---\n') })
    const commit = await say('eight')
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
    assert.equal(await fleet.readText('b', 'web'), 'eight')
    assert.equal(await fleet.readText('c', 'web'), text)
    await fleet.repository.commit({ 'fleet/clusters.yaml': files })
    await until(async () => (await fleet.readText('c', 'web')) === 'eight', {
      deadlineMs: 30_000,
      what: 'cluster c to catch up',
    })
  })

  it('a cluster in two waves, or in none, is refused at plan time by name', async () => {
    const text = await settle()
    const before = await newestRollout(fleet.hub.api, 'web')
    const twice = strategyFile(
      '2s',
      '    - name: again\n      selector: {matchLabels: {ring: canary}}\n',
    )
    await fleet.repository.commit({
      ...twice,
      'apps/web/settings.yaml': configMap('settings', 'nine'),
    })
    await untilFault(/more than one wave: canary, again/, 'a')
    const none = strategyFile('2s')['fleet/strategy.yaml']!.replace(
      'ring: production',
      'ring: none',
    )
    await fleet.repository.commit({ 'fleet/strategy.yaml': none })
    await untilFault(/in no wave/, 'b')
    assert.equal((await newestRollout(fleet.hub.api, 'web'))?.id, before?.id)
    await assertEverywhere(text)
    const commit = await fleet.repository.commit(strategyFile('2s'))
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
    await assertEverywhere('nine')
  })

  async function untilFault(message: RegExp, cluster: string): Promise<void> {
    await until(
      async () => {
        const { faults } = await fleet.hub.api.get<{
          faults: { message: string; cluster?: string }[]
        }>('fleet')
        return faults.some((fault) => message.test(fault.message) && fault.cluster === cluster)
      },
      { deadlineMs: 10_000, what: `a fault like ${message} for ${cluster}` },
    )
  }

  it('F41: an unreachable repository is named, and everything runs on', async () => {
    const text = await settle()
    fleet.git.fail()
    await until(
      async () => {
        const { sources } = await fleet.hub.api.get<FleetView>('fleet')
        return sources.some(({ failure }) => failure)
      },
      { deadlineMs: 10_000, what: 'the source to be in error' },
    )
    await assertEverywhere(text)
    fleet.git.resume()
    const commit = await say('ten')
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit, deadlineMs: 90_000 })
  })

  it('a selection that became empty deletes nothing; removing the Application does', async () => {
    const text = await settle()
    const empty = applicationFiles('web', text)['fleet/web.yaml']!.replace(
      'clusterSelector: {}',
      'clusterSelector: {matchLabels: {ring: nowhere}}',
    )
    await fleet.repository.commit({ 'fleet/web.yaml': empty })
    await until(
      async () => {
        const { faults } = await fleet.hub.api.get<{ faults: { message: string }[] }>('fleet')
        return faults.some(({ message }) => /select no cluster/.test(message))
      },
      { deadlineMs: 10_000, what: 'the empty selection to be named' },
    )
    await assertEverywhere(text)
    await fleet.repository.commit({ 'fleet/web.yaml': null })
    await until(
      async () => {
        const texts = await Promise.all(['a', 'b', 'c'].map((name) => fleet.readText(name, 'web')))
        return texts.every((text) => text === undefined)
      },
      { deadlineMs: 60_000, what: 'the application to be removed' },
    )
    const { status } = await kubeRequest(fleet.planes.get('a')!, 'GET', '/api/v1/namespaces/web')
    assert.equal(status, 200, 'the namespace made for it is never pruned')
  })

  // Found by trying the README: the tombstone always said Delete.
  it('an application with deletionPolicy Orphan leaves its objects when it goes', async () => {
    await settle()
    const commit = await fleet.repository.commit(
      applicationFiles('kept', 'stays', '  deletionPolicy: Orphan\n'),
    )
    await waitForRollout(fleet.hub.api, 'kept', 'Succeeded', { commit })
    await fleet.repository.commit({ 'fleet/kept.yaml': null })
    await until(
      async () => {
        return (await labelsOf('a', 'kept')) === undefined
      },
      { deadlineMs: 30_000, what: 'the ConfigMap to be let go' },
    )
    assert.equal(await fleet.readText('a', 'kept'), 'stays')
    assert.equal(await labelsOf('a', 'kept'), undefined)
  })

  async function labelsOf(cluster: string, namespace: string): Promise<string | undefined> {
    const path = `/api/v1/namespaces/${namespace}/configmaps/settings`
    const { body } = await kubeRequest(fleet.planes.get(cluster)!, 'GET', path)
    const { labels } = (body as { metadata: { labels?: Record<string, string> } }).metadata
    return labels?.['groundswell.dev/application']
  }

  it('through all of it, the ledger holds: order, bounds, gates, one entry a transition', async () => {
    await settle()
    const counted = await assertLedgerHolds(fleet.hub.data)
    assert(counted.rollouts > 0 && counted.offers >= 3 && counted.waves > 0)
  })
})
