import assert from 'node:assert/strict'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { buildAgent } from '../../deploy/build/agent.mjs'
import { startAgent } from '../support/agent-process.ts'
import { waitForRollout } from '../support/api-client.ts'
import { startControlPlane } from '../support/control-plane.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { until } from '../support/until.ts'

const backup = `apiVersion: batch/v1
kind: Job
metadata:
  name: backup
  annotations:
    argocd.argoproj.io/hook: PreDelete
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: backup, image: "backup:1" }]
`

const place = (name: string) => [`--${name}-secret`, `default/agent-${name}`]

it('with hub and Git away and its disk lost an agent heals drift, tells all, and later takes only what is new', async () => {
  await using plane = await startControlPlane({ name: 'offline' })
  await using world = await createSurroundings()
  const hub = await world.start()
  const others = Object.fromEntries(
    Array.from({ length: 5 }, (_, n) => [`apps/web/o${n}.yaml`, configMap(`other-${n}`, `${n}`)]),
  )
  await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
  await world.repository.commit(others)
  await untilReady(hub)
  // As it is shipped.
  const program = join(world.directory, 'swell-agent.mjs')
  await buildAgent(program)
  const agent = await startAgent(hub, {
    program,
    directory: world.directory,
    cluster: 'a',
    kubeconfig: plane.kubeconfig,
    args: [...place('identity'), ...place('trust'), ...place('content')],
  })
  const path = '/api/v1/namespaces/web/configmaps/settings'
  const readText = async () => {
    const { body } = await kubeRequest(plane, 'GET', path)
    return (body as { data?: { text?: string } }).data?.text
  }
  const says = (text: string) =>
    until(async () => (await readText()) === text, {
      deadlineMs: 20_000,
      what: `the cluster to say ${text}`,
    })
  await waitForRollout(hub.api, 'web', 'Succeeded')
  await says('one')

  // Nobody left to ask, nothing left on disk, and drift from while it was away.
  await hub.kill()
  world.git.fail()
  await agent.kill()
  await rm(agent.data, { recursive: true })
  const drift = { data: { text: 'by hand' } }
  await kubeCall(plane, 'PATCH', `${path}?fieldManager=somebody`, drift)
  await kubeCall(plane, 'DELETE', '/api/v1/namespaces/web/configmaps/other-3')
  await agent.start()
  await says('one')
  await until(
    async () => {
      const other = '/api/v1/namespaces/web/configmaps/other-3'
      return (await kubeRequest(plane, 'GET', other)).status === 200
    },
    { deadlineMs: 20_000, what: 'the deleted object to be back' },
  )
  const told = await agent.ask('status')
  assert.match(told, /^cluster a of fleet .*\naway from the hub .*\nat sequence \d+ of epoch 1/)
  assert.match(told, /\nweb: Applied, Current, 7 of 7 objects ready/)

  // The hub is back with one object changed: that, its manifest, and nothing else is fetched.
  const content = join(agent.data, 'content')
  const before = new Set(await readdir(content))
  const times = new Map<string, number>()
  for (const name of before) times.set(name, (await stat(join(content, name))).mtimeMs)
  world.git.resume()
  await hub.start()
  const commit = await world.repository.commit({
    'apps/web/settings.yaml': configMap('settings', 'two'),
  })
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
  await says('two')
  const written: string[] = []
  for (const name of await readdir(content)) {
    const { mtimeMs } = await stat(join(content, name))
    if (times.get(name) !== mtimeMs) written.push(name)
  }
  assert.equal(written.length, 2, 'one manifest and one object')

  // F27: content in the Secrets that was tampered with is not applied; the hub is asked.
  await agent.kill()
  await rm(agent.data, { recursive: true })
  const shelf = '/api/v1/namespaces/default/secrets/agent-content-0'
  const garbage = Buffer.from('gsc1 not what was kept').toString('base64')
  await kubeCall(plane, 'PATCH', shelf, { data: { content: garbage } })
  const other = '/api/v1/namespaces/default/secrets/agent-content-1'
  await kubeRequest(plane, 'DELETE', other)
  await agent.start()
  const three = await world.repository.commit({
    'apps/web/settings.yaml': configMap('settings', 'three'),
  })
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit: three })
  await says('three')

  // What a removal has to run first is in the snapshot of before, and that outlives the disk as well.
  const job = '/apis/batch/v1/namespaces/shop/jobs/backup'
  const status = async (path: string) => (await kubeRequest(plane, 'GET', path)).status
  await world.repository.commit({
    ...applicationFiles('shop', 'one'),
    'apps/shop/backup.yaml': backup,
  })
  await waitForRollout(hub.api, 'shop', 'Succeeded')
  await world.repository.commit({ 'fleet/shop.yaml': null })
  await until(async () => (await status(job)) === 200, { deadlineMs: 30_000, what: 'the hook' })
  await hub.kill()
  world.git.fail()
  await agent.kill()
  await rm(agent.data, { recursive: true })
  await agent.start()
  const there = '/api/v1/namespaces/shop/configmaps/settings'
  await until(async () => /shop: .*\n.*backup/.test(await agent.ask('status')), {
    deadlineMs: 20_000,
    what: 'the agent to wait for the hook again',
  })
  assert.equal(await status(there), 200, 'nothing goes before the hook is through')
  const now = new Date().toISOString()
  await kubeCall(plane, 'PATCH', `${job}/status`, {
    status: {
      ...{ succeeded: 1, startTime: now, completionTime: now },
      conditions: ['SuccessCriteriaMet', 'Complete'].map((type) => ({ type, status: 'True' })),
    },
  })
  await until(async () => (await status(there)) === 404, {
    deadlineMs: 20_000,
    what: 'the removal to go on with nobody to ask',
  })
  await agent.stop()
})
