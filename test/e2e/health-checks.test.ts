import assert from 'node:assert/strict'
import { it } from 'node:test'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { until } from '../support/until.ts'

const check = (current: string, failed: string) => ({
  'fleet/health.yaml': `apiVersion: groundswell.dev/v1alpha1
kind: HealthCheck
metadata: { name: texts }
spec:
  healthCheckExprs:
    - apiVersion: v1
      kind: ConfigMap
      failed: ${JSON.stringify(failed)}
      current: ${JSON.stringify(current)}
`,
})

it('a HealthCheck in Git reaches the agents signed, and gates of every application go by it', async () => {
  await using world = await createSurroundings()
  const { repository } = world
  const own = `  healthCheckExprs:
    - { apiVersion: v1, kind: ConfigMap, current: "data.text != ''" }
`
  await repository.commit({
    ...clusterFiles,
    ...strategyFile('0s'),
    ...applicationFiles('web', 'one'),
    ...applicationFiles('api', 'one', own),
    ...check("data.text != 'broken'", "data.text == 'broken'"),
  })
  const hub = await world.start({ args: ['--enrol-rate', '100'] })
  await untilReady(hub)
  await using a = await startMemoryAgent(hub, 'a')
  await using _b = await startMemoryAgent(hub, 'b')
  await using _c = await startMemoryAgent(hub, 'c')
  await waitForRollout(hub.api, 'web', 'Succeeded')
  await waitForRollout(hub.api, 'api', 'Succeeded')

  // kstatus calls every ConfigMap Current: only the fleet's word stops it at the canary.
  const bad = await repository.commit({
    ...applicationFiles('web', 'broken'),
    ...applicationFiles('api', 'broken', own),
  })
  await waitForRollout(hub.api, 'web', 'Paused', { commit: bad })
  await waitForRollout(hub.api, 'api', 'Succeeded', { commit: bad })
  type Settings = { readonly data?: { readonly text: string } } | undefined
  const textOn = (agent: typeof a) =>
    (agent.cluster.read('/ConfigMap/web/settings') as Settings)?.data?.text
  assert.deepEqual([a, _b, _c].map(textOn), ['broken', 'one', 'one'])
  const why = async () => JSON.stringify(await hub.api.get('clusters/a'))
  await until(async () => (await why()).includes("data.text == 'broken'"), {
    deadlineMs: 10_000,
    what: 'the hub to say which expression holds',
  })

  // Another rule is another content: it goes in waves as any change, and cures what it judges anew.
  const cure = await repository.commit(check("data.text != ''", "data.text == ''"))
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit: cure })
  assert.deepEqual([a, _b, _c].map(textOn), ['broken', 'broken', 'broken'])
})
