import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { startAgent } from '../support/agent-process.ts'
import { startControlPlane } from '../support/control-plane.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

const program = fileURLToPath(new URL('../../agent/main.ts', import.meta.url))
const lease = '/apis/coordination.k8s.io/v1/namespaces/default/leases/agent'
const settings = [
  ...['identity', 'trust', 'content'].map((name) => `--${name}-secret=default/agent-${name}`),
  '--lease=default/agent',
]

it('F56: a bad release of the agent never takes over, stops its rollout at the canary, and a good one follows', async () => {
  await using plane = await startControlPlane({ name: 'upgrade', controllers: true, nodes: true })
  await using world = await createSurroundings()
  const hub = await world.start()
  await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
  await untilReady(hub)
  const { directory } = world
  const agent = await startAgent(hub, {
    ...{ directory, cluster: 'a', kubeconfig: plane.kubeconfig, args: settings },
  })
  const says = (text: string) =>
    until(
      async () => {
        const path = '/api/v1/namespaces/web/configmaps/settings'
        const { body } = await kubeRequest(plane, 'GET', path)
        return (body as { data?: { text?: string } }).data?.text === text
      },
      { deadlineMs: 20_000, what: `the cluster to say ${text}` },
    )
  const say = (text: string) =>
    world.repository.commit({ 'apps/web/settings.yaml': configMap('settings', text) })
  const holder = async () => {
    const read = await kubeCall<{ spec: { holderIdentity: string } }>(plane, 'GET', lease)
    return read.spec.holderIdentity
  }
  await using pods = new AsyncDisposableStack()
  const startPod = (name: string, env: Readonly<Record<string, string>> = {}): ServerProcess => {
    const args = ['--data', join(directory, name), '--kubeconfig', plane.kubeconfig, ...settings]
    const pod = startProcess(process.execPath, [program, ...args], {
      ...{ name, logFile: join(directory, `${name}.log`), env: { ...process.env, ...env } },
    })
    pods.defer(() => pod.kill())
    return pod
  }
  const shown = (pod: ServerProcess, words: RegExp, what: string) =>
    until(
      () => {
        if (words.test(pod.readLog())) return true
        throw new Error(pod.readLog())
      },
      { deadlineMs: 25_000, what },
    )
  await waitForRollout(hub.api, 'web', 'Succeeded')
  await says('one')

  // 1. The release is an application like any other: rolled out in waves, judged by its health.
  const release = async (image: string): Promise<string> => {
    const flags = ['--image', image, '--hub', hub.enrolAddress]
    const printed = await runSwell(hub, 'agent', 'deployment', ...flags)
    assert.equal(printed.code, 0, printed.said)
    // It is not played here as soon as it is meant to be.
    const text = printed.out.replace(/progressDeadlineSeconds: \d+/, 'progressDeadlineSeconds: 5')
    const application = applicationFiles('agent', '')['fleet/agent.yaml']!
    return world.repository.commit({
      'fleet/agent.yaml': application
        .replace('targetNamespace: agent', 'targetNamespace: groundswell-system')
        .replace('createNamespace: true', 'deletionPolicy: Orphan'),
      'apps/agent/deployment.yaml': text,
    })
  }
  await kubeCall(plane, 'POST', '/api/v1/namespaces/groundswell-system/serviceaccounts', {
    ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'groundswell-agent' } },
  })
  const good = await release('registry.example/agent:1')
  await waitForRollout(hub.api, 'agent', 'Succeeded', { commit: good })

  // 2. One that cannot connect: the pod next to the old one is never ready, and it never takes over.
  const broken = startPod('broken', { GRPC_SSL_CIPHER_SUITES: 'none-there-is' })
  await shown(broken, /not proven, the other agent stays/, 'the new agent to fail its proof')
  const bad = await release('registry.example/agent:broken')
  const stopped = await until(
    async () => {
      const rollout = await newestRollout(hub.api, 'agent')
      const isMoving = rollout?.phase === 'Planned' || rollout?.phase === 'Progressing'
      return rollout?.revision.endsWith(bad) && !isMoving && rollout
    },
    { deadlineMs: 45_000, what: 'the rollout of the bad release to stop' },
  )
  assert.equal(stopped.phase, 'Paused')
  const pods_ = await kubeCall<{ items: { spec: { containers: [{ image: string }] } }[] }>(
    plane,
    'GET',
    '/api/v1/namespaces/groundswell-system/pods',
  )
  const images = pods_.items.map(({ spec }) => spec.containers[0].image).sort()
  assert.deepEqual(images, ['registry.example/agent:1', 'registry.example/agent:broken'])
  assert.equal(agent.process().running, true)
  const two = await say('two')
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit: two })
  await says('two')
  await broken.kill()

  // 3. One that verifies what runs and is welcomed: it takes over, and the old one ends.
  const old = agent.process()
  const before = await holder()
  const next = startPod('next')
  await until(() => !old.running, { deadlineMs: 20_000, what: 'the old agent to end' })
  assert.equal(old.exitCode, 1)
  assert.match(old.readLog(), /another agent/)
  assert.notEqual(await holder(), before)
  const three = await say('three')
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit: three })
  await says('three')

  // 4. The old one, started again by its kubelet, stands by and takes nothing back.
  await agent.start()
  await shown(agent.process(), /stands by: it was relieved/, 'the old agent to stand by')
  const four = await say('four')
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit: four })
  await says('four')
  assert.equal(next.running, true)

  // 5. It follows when the new one goes, also with the hub away.
  await hub.kill()
  await next.stop()
  const drift = { data: { text: 'by hand' } }
  const path = '/api/v1/namespaces/web/configmaps/settings?fieldManager=somebody'
  await kubeCall(plane, 'PATCH', path, drift)
  await says('four')
  await agent.stop()
})
