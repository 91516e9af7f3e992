import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, strategyFile } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { clusterOf, type RolloutDetail } from '../support/settled-fleet.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

/* A rollout in hand, and a commit beside it that changes one cluster only. */

const soon = { deadlineMs: 30_000, intervalMs: 50 }

describe('a commit that changes one cluster while a rollout is in hand', () => {
  let surroundings: Awaited<ReturnType<typeof createSurroundings>>
  let hub: HubProcess
  const agents: MemoryAgent[] = []
  const textOf = (name: string) => {
    const { cluster } = agents.find((agent) => agent.name === name)!
    return (cluster.read('/ConfigMap/web/settings') as { data?: { text: string } } | undefined)
      ?.data?.text
  }
  const texts = () => ['a', 'b', 'c'].map(textOf)
  const detail = (id: string) => hub.api.get<RolloutDetail>(`rollouts/${id}`)

  /** Application `web`, where cluster c has a text of its own when one is given. */
  function files(text: string, onC?: string) {
    const own = `    - clusters: [c]
      patches:
        - patch: '{ apiVersion: v1, kind: ConfigMap, metadata: { name: settings }, data: { text: ${onC} } }'
    - clusterSelector: {}`
    const all = applicationFiles('web', text)
    const spec = all['fleet/web.yaml']!
    return {
      ...all,
      'fleet/web.yaml': onC === undefined ? spec : spec.replace('    - clusterSelector: {}', own),
    }
  }

  async function newestWhen(what: string, is: (rollout: RolloutDetail) => boolean) {
    return until(
      async () => {
        const newest = await newestRollout(hub.api, 'web')
        const found = newest && (await detail(newest.id))
        if (found && is(found)) return found
        throw new Error(`${found?.id} is ${found?.phase}: ${found?.message}`)
      },
      { ...soon, what },
    )
  }

  const isIn = (state: string, cluster: string) => (rollout: RolloutDetail) =>
    clusterOf(rollout, cluster).state === state

  async function settle(text: string): Promise<void> {
    const commit = await surroundings.repository.commit({
      ...{ ...clusterFiles, ...strategyFile('0s'), ...files(text) },
    })
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
    assert.deepEqual(texts(), [text, text, text])
  }

  before(async () => {
    surroundings = await createSurroundings()
    hub = await surroundings.start({ args: ['--enrol-rate', '100'] })
    await untilReady(hub)
    for (const name of ['a', 'b', 'c']) agents.push(await startMemoryAgent(hub, name))
  })

  after(async () => {
    await Promise.all(agents.map((agent) => agent.stop()))
    await surroundings[Symbol.asyncDispose]()
  })

  test('I6: the canary that soaks begins anew, and nobody has what it has not proven', async () => {
    await settle('one')
    await surroundings.repository.commit({ ...strategyFile('10m'), ...files('two') })
    const first = await newestWhen('the canary to soak', isIn('Soaking', 'a'))
    await surroundings.repository.commit(files('two', 'of-c'))
    const second = await newestWhen(
      'the canary to soak in the next',
      (rollout) => rollout.id !== first.id && isIn('Soaking', 'a')(rollout),
    )
    assert.equal((await detail(first.id)).phase, 'Superseded')
    assert.deepEqual(
      ['b', 'c'].map((name) => clusterOf(second, name).state),
      ['Pending', 'Pending'],
    )
    assert.deepEqual(texts(), ['two', 'one', 'one'])
  })

  test('I6: what a person paused waits for a person', async () => {
    await settle('three')
    await surroundings.repository.commit({ ...strategyFile('10m'), ...files('four') })
    const first = await newestWhen('the canary to soak', isIn('Soaking', 'a'))
    await hub.api.post(`rollouts/${first.id}/pause`, { reason: 'something is odd' })
    await surroundings.repository.commit({ ...strategyFile('0s'), ...files('four', 'of-c') })
    const next = await newestWhen('the next to be planned', ({ id }) => id !== first.id)
    assert.equal(next.phase, 'Planned')
    assert.equal((await detail(first.id)).phase, 'Paused')
    assert.deepEqual(texts(), ['four', 'three', 'three'])
    const { code, said } = await runSwell(hub, 'rollout', 'begin', next.id)
    assert.equal(code, 0, said)
    await newestWhen('it to succeed', ({ phase }) => phase === 'Succeeded')
    assert.deepEqual(texts(), ['four', 'four', 'of-c'])
    assert.equal((await detail(first.id)).phase, 'Superseded')
  })

  test('a cluster that is suspended in the middle is passed over, and catches up later', async () => {
    await settle('five')
    await surroundings.repository.commit({ ...strategyFile('3s'), ...files('six') })
    const { id } = await newestWhen('the canary to soak', isIn('Soaking', 'a'))
    const suspended = clusterFiles['fleet/clusters.yaml']!.replace(
      /(name: c\n[^]*?spec:) {}/,
      '$1 { suspend: true }',
    )
    await surroundings.repository.commit({ 'fleet/clusters.yaml': suspended })
    const ended = await newestWhen('it to end', ({ phase }) => phase === 'Succeeded')
    assert.equal(ended.id, id)
    assert.equal(clusterOf(ended, 'c').outcome, 'Skipped')
    assert.match(clusterOf(ended, 'c').message, /passed over, since it is suspended in Git/)
    assert.deepEqual(texts(), ['six', 'six', 'five'])
    await surroundings.repository.commit(clusterFiles)
    await until(() => textOf('c') === 'six', { ...soon, what: 'cluster c to catch up' })
  })

  test('I6, I7: the ledger of all of it holds', async () => {
    await assertLedgerHolds(hub.data)
  })
})
