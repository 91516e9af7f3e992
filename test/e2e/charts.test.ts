import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { enginePath } from '../../deploy/setup/paths.mjs'
import { createApiClient, waitForRollout } from '../support/api-client.ts'
import { formatKubeconfig, startControlPlane } from '../support/control-plane.ts'
import { applicationFiles, strategyFile } from '../support/fleet-files.ts'
import { freePort } from '../support/free-port.ts'
import { type Container, podTemplates, renderChart, runHelm } from '../support/helm.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { accessAs } from '../support/kube-manifest.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { prepareOracles, runOracle } from '../support/oracles.ts'
import { assertRunning, startProcess } from '../support/process.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const place = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const namespace = 'groundswell-system'
const secrets = `/api/v1/namespaces/${namespace}/secrets`

before(prepareOracles)

it('helm installs the agent: under exactly those rights it joins, applies and outlives an upgrade', async () => {
  await using plane = await startControlPlane({ name: 'agent-chart' })
  await using world = await createSurroundings()
  const hub = await world.start()
  await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
  await untilReady(hub)
  const role = '/apis/rbac.authorization.k8s.io/v1/clusterroles'
  await kubeCall(plane, 'POST', role, {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' },
    metadata: { name: 'what-web-needs' },
    rules: [
      {
        ...{ apiGroups: [''], resources: ['namespaces', 'configmaps'] },
        verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
      },
    ],
  })

  // 1. As an administrator of the cluster does.
  const { token } = await hub.api.post<{ token: string }>('clusters/a/tokens', {
    preApproved: true,
  })
  const release = ['--namespace', namespace, '--kubeconfig', plane.kubeconfig]
  const values = {
    ...{ hub: hub.enrolAddress, join: { token }, rbac: { clusterRole: 'what-web-needs' } },
    networkPolicy: { enabled: true },
  }
  const installed = await runHelm(['install', 'agent'], 'agent', values, [
    ...[...release, '--create-namespace'],
  ])
  assert.ok('text' in installed, JSON.stringify(installed))
  assert.match(installed.text, /swell cluster approve/)

  // 2. The agent as its pod would run it: the arguments that the API server has, and that account.
  const account = await accessAs(plane, namespace, 'groundswell-agent')
  const kubeconfig = join(world.directory, 'kubeconfig')
  await writeFile(kubeconfig, formatKubeconfig('a', account), { mode: 0o600 })
  const join_ = await kubeCall<{ data: { token: string } }>(
    plane,
    'GET',
    `${secrets}/groundswell-agent-join`,
  )
  const tokenFile = join(world.directory, 'token')
  await writeFile(tokenFile, Buffer.from(join_.data.token, 'base64'))
  const live = await kubeCall<{ spec: { template: { spec: { containers: [Container] } } } }>(
    plane,
    'GET',
    `/apis/apps/v1/namespaces/${namespace}/deployments/groundswell-agent`,
  )
  const [container] = live.spec.template.spec.containers
  const places: Readonly<Record<string, string>> = {
    '--token-file': tokenFile,
    '--data': join(world.directory, 'pod'),
    '--health-port': String(await freePort()),
  }
  const args = container.args.map((argument) => {
    const [flag] = argument.split('=') as [string]
    return places[flag] === undefined ? argument : `${flag}=${places[flag]}`
  })
  const env = Object.fromEntries(container.env!.map(({ name, value }) => [name, value]))
  const pod = startProcess(
    process.execPath,
    [place('agent/main.ts'), ...args, '--kubeconfig', kubeconfig],
    {
      ...{ name: 'agent', logFile: join(world.directory, 'agent.log') },
      env: { PATH: process.env['PATH'], ...env, NODE_COMPILE_CACHE: join(world.directory, 'v8') },
    },
  )
  await using stack = new AsyncDisposableStack()
  stack.defer(() => pod.kill())
  await waitForRollout(hub.api, 'web', 'Succeeded')
  assertRunning(pod)

  // 3. No more than that.
  for (const [method, path] of [
    ['GET', secrets],
    ['GET', `${secrets}/groundswell-agent-join`],
    ['GET', `/apis/apps/v1/namespaces/${namespace}/deployments`],
    ['GET', '/api/v1/namespaces/default/pods/x'],
  ] as const) {
    assert.equal((await kubeRequest(account, method, path)).status, 403, `${method} ${path}`)
  }

  // 4. An upgrade of the release takes nothing from what the agent keeps in the cluster.
  const kept = async () => {
    const names = ['identity', 'trust', 'content-0']
    const all = await Promise.all(
      names.map((name) =>
        kubeCall<{ data?: object }>(plane, 'GET', `${secrets}/groundswell-agent-${name}`),
      ),
    )
    return all.map(({ data }) => Object.keys(data ?? {}))
  }
  const before_ = await kept()
  assert.ok(
    before_.every((members) => members.length > 0),
    JSON.stringify(before_),
  )
  const upgraded = await runHelm(
    ['upgrade', 'agent'],
    'agent',
    { ...values, join: {}, image: { repository: 'registry.example/agent', tag: '2' } },
    release,
  )
  assert.ok('text' in upgraded, JSON.stringify(upgraded))
  assert.deepEqual(await kept(), before_)
  const gone = await kubeRequest(plane, 'GET', `${secrets}/groundswell-agent-join`)
  assert.equal(gone.status, 404, 'the used token goes with it')

  // 5. What it applied stays when it is uninstalled, and so do its inventories.
  await pod.stop(10_000)
  const removed = await runOracle('helm', ['uninstall', 'agent', ...release])
  assert.ok('text' in removed, JSON.stringify(removed))
  const settings = '/api/v1/namespaces/web/configmaps/settings'
  assert.equal((await kubeRequest(plane, 'GET', settings)).status, 200)
  const inventory = `/api/v1/namespaces/${namespace}/configmaps/groundswell-inventory-web`
  assert.equal((await kubeRequest(plane, 'GET', inventory)).status, 200)
})

it('the hub’s chart in three roles: its containers, with their arguments, are a hub that renders and signs', async () => {
  await using world = await createSurroundings()
  await using redis = await startRedis()
  const objects = await renderChart('hub', {
    roles: 'three',
    settings: { fleet: world.fleetUrl, path: 'fleet', interval: '1s', advertise: '127.0.0.1' },
    redis: { included: false, url: redis.url },
    seed: { adminTokenSecret: 'admin' },
  })
  const pod = podTemplates(objects).get('groundswell')!
  const config = objects.find(({ kind }) => kind === 'ConfigMap')!['data'] as Record<string, string>
  const volumes = join(world.directory, 'volumes')
  const token = 'a-token-of-our-own-making'
  const contents = { ...config, 'admin-token': `${token}\n` }
  for (const [name, text] of Object.entries(contents)) {
    const folder = name === 'admin-token' ? 'seed-admin' : 'settings'
    await mkdir(join(volumes, folder), { recursive: true })
    await writeFile(join(volumes, folder, name), text)
  }
  const ports = { api: await freePort(), enrol: await freePort(), data: await freePort() }
  await using stack = new AsyncDisposableStack()

  // What the kubelet does: a volume is where the container has it mounted.
  const translate = (container: Container, text: string): string => {
    const mounts = container.volumeMounts.toSorted(
      (a, b) => b.mountPath.length - a.mountPath.length,
    )
    for (const { name, mountPath, subPath } of mounts) {
      if (name === 'sockets' && subPath !== undefined) continue
      if (text.startsWith(mountPath)) {
        return join(volumes, name, subPath ?? '', text.slice(mountPath.length))
      }
    }
    return text === '/run/groundswell' ? join(volumes, 'sockets') : text
  }
  const argumentsOf = (container: Container): string[] =>
    container.args.map((argument) => {
      // Each of two containers has one, and nobody asks here.
      if (argument.startsWith('--metrics-port=')) return '--metrics-port=0'
      const port = /^--(\w+)-port=/.exec(argument)?.[1]
      if (port !== undefined) return `--${port}-port=${ports[port as keyof typeof ports]}`
      if (argument.startsWith('--host=')) return '--host=127.0.0.1'
      return argument
        .split('=>')
        .map((part) => part.replace(/(?<==|^)\/.*/, (path) => translate(container, path)))
        .join('=>')
    })
  const [prepare] = pod.spec.initContainers!
  for (const name of ['sockets', 'signer', 'renderer', 'data']) {
    await mkdir(join(volumes, name), { recursive: true })
  }
  await promisify(execFile)(process.execPath, [
    ...[translate(prepare!, prepare!.command![1]!), ...argumentsOf(prepare!)],
  ])

  const running = pod.spec.containers.map((container) => {
    const env = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]))
    const started = startProcess(
      process.execPath,
      [place('hub/main.ts'), ...argumentsOf(container)],
      {
        ...{ name: container.name, logFile: join(world.directory, `${container.name}.log`) },
        env: { PATH: process.env['PATH'], GROUNDSWELL_ENGINE: enginePath(), ...env },
      },
    )
    stack.defer(() => started.stop(15_000))
    return started
  })
  const url = `http://127.0.0.1:${ports.api}`
  const api = createApiClient(url, async () => token)
  await until(
    async () => {
      for (const one of running) assertRunning(one)
      return (await fetch(`${url}/readyz`)).ok
    },
    { deadlineMs: 30_000, what: 'the hub to be ready' },
  )
  const fleet = await api.get<{ commit: string | null }>('fleet')
  assert.match(JSON.stringify(fleet), /[0-9a-f]{40}/)

  // Keys are with the signer alone, and the token is the one that was given.
  await readFile(join(volumes, 'signer/data/keys/root.json'))
  await assert.rejects(readFile(join(volumes, 'data/data/keys/root.json')))
  assert.equal((await readFile(join(volumes, 'data/data/admin-token'), 'utf8')).trim(), token)
})
