import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { waitForRollout } from '../support/api-client.ts'
import { agentProgram, startAgent } from '../support/agent-process.ts'
import { startControlPlane } from '../support/control-plane.ts'
import { checkOutEarlier, earlierCommit } from '../support/earlier-release.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { hubProgram } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { kubeRequest } from '../support/kube-request.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { startRedis } from '../support/redis.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

it('hub and agents go from the release before to this one, and agents back, in any order', async (t) => {
  await using world = await createSurroundings()
  const earlier = await checkOutEarlier(join(world.directory, 'earlier'))
  if (!earlier) return t.skip(`the history down to ${earlierCommit} is not there`)
  await using plane = await startControlPlane({ name: 'upgrade-both' })
  await using redis = await startRedis()
  const { directory, repository } = world
  await repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
  const hub = await world.start({ redisUrl: redis.url, program: earlier.hub })
  await untilReady(hub)

  /** What the real cluster and the one in memory run. */
  const says = async (text: string): Promise<void> => {
    const path = '/api/v1/namespaces/web/configmaps/settings'
    await until(
      async () => {
        const { body } = await kubeRequest(plane, 'GET', path)
        const found = (body as { data?: { text?: string } }).data?.text
        const inMemory = JSON.stringify(fresh.cluster.read('/ConfigMap/web/settings') ?? '')
        return found === text && inMemory.includes(`"${text}"`)
      },
      { deadlineMs: 40_000, intervalMs: 100, what: `both clusters to say ${text}` },
    )
  }
  const say = async (text: string): Promise<void> => {
    const commit = await repository.commit({
      'apps/web/settings.yaml': configMap('settings', text),
    })
    await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
    await says(text)
  }
  const connected = (cluster: string) =>
    until(
      async () => {
        const view = await hub.api.get<{ connection: { state: string } }>(`clusters/${cluster}`)
        return view.connection.state === 'Connected'
      },
      { deadlineMs: 40_000, what: `${cluster} to connect` },
    )

  // 1. The hub of before, with an agent of before and one of now.
  const old = await startAgent(hub, {
    ...{ directory, cluster: 'a', kubeconfig: plane.kubeconfig, program: earlier.agent },
  })
  await using fresh = await startMemoryAgent(hub, 'b')
  await says('one')
  await say('two')
  const { sequence } = await fresh.trust.load()

  // 2. The hub of now, on what the other left in its directory and in Redis.
  await hub.stop()
  await hub.start(hubProgram)
  await untilReady(hub)
  await connected('a')
  await connected('b')
  await says('two')
  await say('three')
  assert.ok((await fresh.trust.load()).sequence > sequence)

  // 3. The agent of now, on what the other left in its directory: the same agent, without a token.
  await old.stop()
  await old.start(agentProgram)
  await connected('a')
  await say('four')
  assert.ok(old.process().running)

  // 4. The agent back again, on what the newer one wrote.
  await old.stop()
  await old.start(earlier.agent)
  await connected('a')
  await say('five')

  // 5. The hub of before does not go on from decisions it does not know, and leaves them as they are.
  await hub.stop()
  await assert.rejects(hub.start(earlier.hub), /ledger line \d+: it is not a ledger entry/)
  await hub.start(hubProgram)
  await untilReady(hub)
  await connected('a')
  await connected('b')
  await say('six')

  // 6. The ledger that both wrote is one chain, with receipts of both.
  await hub.stop()
  await hub.start(hubProgram)
  await untilReady(hub)
  await connected('a')
  await say('seven')
  const judged = await runSwell(hub, 'audit', 'verify', join(hub.data, 'ledger/ledger.jsonl'))
  assert.equal(judged.code, 0, judged.out + judged.said)
})
