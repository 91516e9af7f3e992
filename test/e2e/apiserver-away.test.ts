import { it } from 'node:test'
import { startAgent } from '../support/agent-process.ts'
import { waitForRollout } from '../support/api-client.ts'
import { startControlPlane } from '../support/control-plane.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { until } from '../support/until.ts'

interface ClusterView {
  readonly applications: readonly { readonly phase: string; readonly message?: string }[]
}

it('F31: a cluster whose API server is away as its wave comes is waited for, and fails no rollout', async () => {
  await using plane = await startControlPlane({ name: 'away' })
  await using world = await createSurroundings()
  await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
  const hub = await world.start()
  await untilReady(hub)
  const agent = await startAgent(hub, {
    directory: world.directory,
    cluster: 'a',
    kubeconfig: plane.kubeconfig,
  })
  await waitForRollout(hub.api, 'web', 'Succeeded')
  await plane.apiserver.kill()
  const commit = await world.repository.commit({
    'apps/web/settings.yaml': configMap('settings', 'two'),
  })
  await until(
    async () => /API server/.test(JSON.stringify(await hub.api.get<ClusterView>('clusters/a'))),
    { deadlineMs: 30_000, what: 'the hub to be told that the API server is away' },
  )
  await plane.apiserver.start()
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit, deadlineMs: 40_000 })
  await agent.stop()
})
