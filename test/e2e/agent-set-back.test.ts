import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { it } from 'node:test'
import { startAgent } from '../support/agent-process.ts'
import { waitForRollout } from '../support/api-client.ts'
import { startControlPlane } from '../support/control-plane.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { until } from '../support/until.ts'

const secrets = '/api/v1/namespaces/default/secrets'
const place = (name: string) => [`--${name}-secret`, `default/agent-${name}`]

interface Secret {
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
}

it('T18: an agent whose Secrets were set back to an older snapshot writes and deletes nothing by it, and goes on with what is newest', async () => {
  await using plane = await startControlPlane({ name: 'set-back', audit: true })
  await using world = await createSurroundings()
  await world.repository.commit({
    ...strategyFile('0s'),
    ...applicationFiles('web', 'one'),
    ...applicationFiles('shop', 'one'),
  })
  const hub = await world.start()
  await untilReady(hub)
  const agent = await startAgent(hub, {
    directory: world.directory,
    cluster: 'a',
    kubeconfig: plane.kubeconfig,
    args: [...place('identity'), ...place('trust'), ...place('content')],
  })
  for (const name of ['web', 'shop']) await waitForRollout(hub.api, name, 'Succeeded')
  await agent.stop()
  const { items } = await kubeCall<{ items: Secret[] }>(plane, 'GET', secrets)
  const old = items.filter(({ metadata: { name } }) => /^agent-(trust|content)/.test(name))
  assert.ok(old.length > 1)
  await agent.start()

  // An object comes, another changes, and an application goes.
  const commit = await world.repository.commit({
    'fleet/shop.yaml': null,
    'apps/web/new.yaml': configMap('new', 'two'),
    'apps/web/settings.yaml': configMap('settings', 'two'),
  })
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
  const statusOf = async (path: string) => (await kubeRequest(plane, 'GET', path)).status
  const gone = '/api/v1/namespaces/shop/configmaps/settings'
  await until(async () => (await statusOf(gone)) === 404, {
    deadlineMs: 30_000,
    what: 'the application to be removed',
  })

  // A backup of the agent's namespace is put back; its disk is gone, and so is the hub.
  await hub.kill()
  await agent.kill()
  await rm(agent.data, { recursive: true })
  for (const { metadata, data } of old) {
    await kubeCall(plane, 'PATCH', `${secrets}/${metadata.name}`, { data })
  }
  const before = (await plane.readAudit()).length
  await agent.start()
  await until(async () => /web: Applying.*\n.*was applied here/.test(await agent.ask('status')), {
    deadlineMs: 30_000,
    what: 'the agent to say that it was set back',
  })
  const written = async () =>
    (await plane.readAudit())
      .slice(before)
      // The API server keeps a Lease of its own.
      .filter(({ user }) => user.username !== 'system:apiserver')
      .filter(({ verb }) => !['get', 'list', 'watch'].includes(verb))
      .map(({ verb, objectRef }) => `${verb} ${objectRef?.namespace}/${objectRef?.name}`)
      .filter((call) => !/ default\/agent-| undefined/.test(call))
  assert.deepEqual(await written(), [])

  await hub.start()
  await untilReady(hub)
  const three = await world.repository.commit({
    'apps/web/settings.yaml': configMap('settings', 'three'),
  })
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit: three })
  assert.equal(await statusOf('/api/v1/namespaces/web/configmaps/new'), 200)
  await until(async () => (await statusOf(gone)) === 404, {
    deadlineMs: 30_000,
    what: 'what was removed to be gone',
  })
  // What was removed since has no inventory to tell of it: it may come back for a moment (decision 133), and goes again.
  assert.deepEqual(
    (await written()).filter((call) => /^delete (?!shop\/settings$|.*-inventory-shop$)/.test(call)),
    [],
  )
  await agent.stop()
})
