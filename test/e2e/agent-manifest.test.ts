import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { waitForRollout } from '../support/api-client.ts'
import { formatKubeconfig, startControlPlane } from '../support/control-plane.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { freePort } from '../support/free-port.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import {
  type ManifestObject,
  accessAs,
  applyManifest,
  readManifest,
} from '../support/kube-manifest.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

const program = fileURLToPath(new URL('../../agent/main.ts', import.meta.url))
const secrets = '/api/v1/namespaces/groundswell-system/secrets'

/** No more than the one application of this fleet needs. */
const narrowRole: ManifestObject = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'what-web-needs' },
  rules: [
    {
      apiGroups: [''],
      resources: ['namespaces', 'configmaps'],
      verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
    },
  ],
}

it('what `swell agent manifest` prints is all an agent needs, and it outlives its pod', async (t) => {
  await using plane = await startControlPlane({ name: 'agent-manifest' })
  await using world = await createSurroundings()
  const hub = await world.start()
  await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
  await untilReady(hub)
  const say = (text: string): Promise<string> =>
    world.repository.commit({ 'apps/web/settings.yaml': configMap('settings', text) })
  const says = async (text: string): Promise<void> => {
    const path = '/api/v1/namespaces/web/configmaps/settings'
    await until(
      async () => {
        const { body } = await kubeRequest(plane, 'GET', path)
        return (body as { data?: { text?: string } }).data?.text === text
      },
      { deadlineMs: 30_000, intervalMs: 100, what: `the cluster to say ${text}` },
    )
  }

  // 1. Printed by an administrator, applied by another one, twice.
  const refused = await runSwell(hub, 'agent', 'manifest', 'nowhere', '--image', 'agent:1')
  assert.equal(refused.code, 1, 'only for a cluster that Git declares')
  const printed = await runSwell(
    hub,
    ...['agent', 'manifest', 'a', '--image', 'registry.example/agent:1'],
    ...['--cluster-role', narrowRole.metadata.name],
  )
  assert.equal(printed.code, 0, printed.said)
  const objects = readManifest(printed.out)
  await kubeCall(plane, 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', narrowRole)
  await applyManifest(plane, objects)
  await applyManifest(plane, objects)

  // 2. The agent as its pod would run it: its arguments, its account, a disk of its own.
  const account = await accessAs(plane, 'groundswell-system', 'groundswell-agent')
  const kubeconfig = join(world.directory, 'kubeconfig')
  await writeFile(kubeconfig, formatKubeconfig('a', account), { mode: 0o600 })
  const joinSecret = objects.find(({ metadata }) => metadata.name === 'groundswell-agent-join')!
  const { token } = joinSecret['data'] as { token: string }
  const tokenFile = join(world.directory, 'token')
  await writeFile(tokenFile, Buffer.from(token, 'base64'))
  await using pods = new AsyncDisposableStack()

  async function startPod(name: string): Promise<{ pod: ServerProcess; health: string }> {
    const port = await freePort()
    const places: Readonly<Record<string, string>> = {
      '--token-file': tokenFile,
      '--data': join(world.directory, name),
      '--health-port': String(port),
    }
    const args = argumentsOf(objects).map((argument) => {
      const flag = argument.split('=')[0]!
      return places[flag] === undefined ? argument : `${flag}=${places[flag]}`
    })
    const pod = startProcess(process.execPath, [program, ...args, '--kubeconfig', kubeconfig], {
      name,
      logFile: join(world.directory, `${name}.log`),
    })
    pods.defer(() => pod.kill())
    return { pod, health: `http://127.0.0.1:${port}` }
  }
  const connected = (what: string) =>
    until(
      async () => {
        const view = await hub.api.get<{ connection: { state: string } }>('clusters/a')
        return view.connection.state === 'Connected'
      },
      { deadlineMs: 20_000, what },
    )
  const shown = (pod: ServerProcess, words: RegExp, what: string): Promise<RegExpExecArray> =>
    until(() => words.exec(pod.readLog()), { deadlineMs: 20_000, what })

  const first = await startPod('first-pod')
  const [, fingerprint] = await shown(
    first.pod,
    /"fingerprint":"([0-9a-f-]{39})"/,
    'the fingerprint in its log',
  )
  assert.equal((await fetch(`${first.health}/livez`)).status, 200)
  assert.equal((await fetch(`${first.health}/readyz`)).status, 503)
  const pending = await runSwell(hub, 'cluster', 'pending')
  assert.match(pending.out, new RegExp(`^a +${fingerprint} `, 'm'))
  const wrong = fingerprint!.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))
  const other = await runSwell(hub, 'cluster', 'approve', 'a', '--fingerprint', wrong)
  assert.equal(other.code, 1, 'another fingerprint is not approved')
  const approved = await runSwell(hub, 'cluster', 'approve', 'a', '--fingerprint', fingerprint!)
  assert.equal(approved.code, 0, approved.said)
  await connected('the agent to connect')
  await waitForRollout(hub.api, 'web', 'Succeeded')
  await says('one')
  await until(async () => (await fetch(`${first.health}/readyz`)).ok, {
    deadlineMs: 10_000,
    what: 'the agent to be ready',
  })

  // 3. Its account reads and writes those two Secrets and no other.
  for (const [method, path, body] of [
    ['GET', `${secrets}/groundswell-agent-join`],
    ['GET', secrets],
    ['POST', secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }],
    ['DELETE', `${secrets}/groundswell-agent-identity`],
    ['GET', '/api/v1/namespaces/default/secrets'],
    ['GET', '/apis/apps/v1/namespaces/groundswell-system/deployments'],
  ] as const) {
    assert.equal((await kubeRequest(account, method, path, body)).status, 403, `${method} ${path}`)
  }

  // 4. The pod dies with its disk; the token is used; the next one is the same agent.
  await first.pod.kill()
  await rm(join(world.directory, 'first-pod'), { recursive: true })
  await rm(tokenFile)
  await kubeCall(plane, 'DELETE', `${secrets}/groundswell-agent-join`)
  const two = await say('two')
  const second = await startPod('second-pod')
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit: two })
  await says('two')

  // 5. F28: two pods at once. The one that started last goes on, the other ends by itself.
  const third = await startPod('third-pod')
  await until(() => !second.pod.running, { deadlineMs: 20_000, what: 'the older pod to end' })
  assert.equal(second.pod.exitCode, 1)
  assert.match(second.pod.readLog(), /another agent/)
  const three = await say('three')
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit: three })
  await says('three')
  assert.equal(third.pod.running, true)
  const { out } = await runSwell(hub, 'cluster', 'list')
  t.diagnostic(out)
  assert.match(out, /^a +Enrolled +Connected /m, 'and nobody took it for a copy')
})

function argumentsOf(objects: readonly ManifestObject[]): readonly string[] {
  const deployment = objects.find(({ kind }) => kind === 'Deployment')!
  const { template } = deployment['spec'] as {
    template: { spec: { containers: [{ args: string[] }] } }
  }
  return template.spec.containers[0].args
}
