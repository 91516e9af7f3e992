import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { waitForRollout } from '../support/api-client.ts'
import { type AgentProcess, startAgent } from '../support/agent-process.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { applicationFiles, clusterFiles, strategyFile } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { clusterOf, type RolloutDetail } from '../support/settled-fleet.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

/* Whoever keeps a cluster has updates wait there, or refuses them: a veto that no hub can lift. */

interface View {
  readonly holds: readonly { mode: string; until: string | null; reason: string; fault: string }[]
  readonly applications: readonly { name: string; held: boolean }[]
}
const soon = { deadlineMs: 30_000, intervalMs: 50 }
const folder = '/api/v1/namespaces/default/configmaps'
const settings = '/api/v1/namespaces/web/configmaps/settings'
const holdPath = `${folder}/groundswell-hold`

describe('a veto at the edge', () => {
  let surroundings: Awaited<ReturnType<typeof createSurroundings>>
  let hub: HubProcess
  let plane: ControlPlane
  let canary: AgentProcess
  let guarded: MemoryAgent

  const say = (text: string) => surroundings.repository.commit(applicationFiles('web', text))
  const view = (cluster: string) => hub.api.get<View>(`clusters/${cluster}`)
  const textOf = ({ cluster }: MemoryAgent) =>
    (cluster.read('/ConfigMap/web/settings') as { data?: { text: string } } | undefined)?.data?.text
  const canaryText = async () => {
    const { body } = await kubeRequest(plane, 'GET', settings)
    return (body as { data?: { text: string } }).data?.text
  }
  const spoil = () => kubeCall(plane, 'PATCH', settings, { data: { text: 'spoilt' } })
  const setHold = (data: object) =>
    kubeCall(plane, 'POST', folder, { metadata: { name: 'groundswell-hold' }, data })
  const becomes = (text: string, what = `the canary to say ${text}`) =>
    until(async () => (await canaryText()) === text, { ...soon, what })
  const vetoed = (cluster: string, words: RegExp) =>
    until(async () => words.test(JSON.stringify((await view(cluster)).holds)), {
      ...soon,
      what: `the hub to hear of the hold on ${cluster}`,
    })

  async function rolloutWhen(what: string, is: (rollout: RolloutDetail) => boolean) {
    return until(
      async () => {
        const list = await hub.api.get<{ items: { id: string }[] }>('rollouts?application=web')
        const found = await hub.api.get<RolloutDetail>(`rollouts/${list.items[0]!.id}`)
        return is(found) && found
      },
      { ...soon, what },
    )
  }

  before(async () => {
    surroundings = await createSurroundings()
    await surroundings.repository.commit({
      ...clusterFiles,
      ...strategyFile('0s'),
      ...applicationFiles('web', 'one'),
    })
    hub = await surroundings.start({ args: ['--enrol-rate', '100'] })
    await untilReady(hub)
    plane = await startControlPlane({ name: 'hold' })
    const { directory } = surroundings
    const options = { directory, cluster: 'a', kubeconfig: plane.kubeconfig }
    canary = await startAgent(hub, { ...options, args: ['--hold-namespace', 'default'] })
    guarded = await startMemoryAgent(hub, 'b')
    await until(async () => (await canaryText()) === 'one' && textOf(guarded) === 'one', {
      ...soon,
      what: 'both clusters to have the first content',
    })
  })

  after(async () => {
    await canary?.stop()
    await guarded?.[Symbol.asyncDispose]()
    await plane?.stop()
    await surroundings?.[Symbol.asyncDispose]()
  })

  test('refused: the rollout ends without the cluster, which catches up when it lets go', async () => {
    const hold = { refuse: true, until: null, reason: 'audit', applications: [], source: 'memory' }
    guarded.hold(hold)
    await vetoed('b', /audit/)
    const commit = await say('two')
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
    const rollout = await rolloutWhen('the rollout to have ended', () => true)
    assert.deepEqual(
      [clusterOf(rollout, 'a').outcome, clusterOf(rollout, 'b').outcome],
      ['Succeeded', 'Vetoed'],
    )
    assert.match(clusterOf(rollout, 'b').message, /memory: audit, until it is released/)
    assert.equal(textOf(guarded), 'one')
    assert.match((await runSwell(hub, 'get', 'clusters')).out, /Connected,Vetoed/)
    assert.match((await runSwell(hub, 'describe', 'cluster', 'b')).out, /Vetoed: .*audit/)
    guarded.hold(undefined)
    await until(() => textOf(guarded) === 'two', { ...soon, what: 'the cluster to catch up' })
  })

  test('postponed by a ConfigMap: the rollout waits and says why, healing goes on', async () => {
    const reason = 'moving racks'
    await setHold({ reason, until: '2999-01-01T00:00:00Z', applications: 'web' })
    await vetoed('a', /moving racks/)
    await say('three')
    const waiting = await rolloutWhen('it to wait for the canary', ({ waitingFor }) =>
      /cluster a is on hold there: ConfigMap default.*moving racks, until 2999/.test(
        waitingFor.join(),
      ),
    )
    assert.equal(clusterOf(waiting, 'b').state, 'Pending', 'no wave passes the canary')
    await spoil()
    await becomes('two', 'the canary to be healed')
    await kubeCall(plane, 'DELETE', holdPath)
    await becomes('three')
    await until(() => textOf(guarded) === 'three', { ...soon, what: 'the rest to follow' })
  })

  test('one that cannot be read holds everything, and the hub says what is wrong', async () => {
    await setHold({ untill: 'noon' })
    await vetoed('a', /untill is not known/)
    await say('four')
    await rolloutWhen('it to wait for the canary', ({ waitingFor }) =>
      /cannot be read: untill is not known/.test(waitingFor.join()),
    )
    assert.equal(await canaryText(), 'three')
    await kubeCall(plane, 'DELETE', holdPath)
    await becomes('four')
  })

  test('set by the agent’s own command it outlives a restart, while what runs is healed', async () => {
    await rolloutWhen('the last rollout to have ended', ({ phase }) => phase === 'Succeeded')
    const words = await canary.ask('hold', '--until', '2h', '--reason', 'by hand', 'web')
    assert.match(words, /updates of web wait until .*: by hand/)
    await vetoed('a', /by hand/)
    await canary.kill()
    await spoil()
    await canary.start()
    await becomes('four', 'the canary to be healed after the restart')
    assert.match(await canary.ask('status'), /on hold: updates of web wait/)
    await say('five')
    await rolloutWhen('it to wait for the canary', ({ waitingFor }) =>
      /on hold there: .*by hand/.test(waitingFor.join()),
    )
    assert.equal(await canary.ask('hold', '--release'), 'released\n')
    await becomes('five')
    assert.deepEqual((await view('a')).holds, [])
  })
})
