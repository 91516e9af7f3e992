import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cacheDir } from '../../deploy/setup/paths.mjs'
import { startAgentPod } from '../support/agent-pod.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { freePort } from '../support/free-port.ts'
import { testGitEnv } from '../support/git-repository.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { kubeCall } from '../support/kube-request.ts'
import { playPod } from '../support/kubelet-logs.ts'
import { type Printed, openPrinted } from '../support/printed.ts'
import { assertRunning } from '../support/process.ts'
import { installPrograms } from '../support/programs.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* "A first fleet", from its first file to a second cluster: what the page prints, run in this repository, with the fleet that it
   shows, against real API servers; one has controllers, and nodes that kwok plays. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = 'deploy/docs/first-fleet.md'

describe('a first fleet', () => {
  const stack = new AsyncDisposableStack()
  let first: ControlPlane
  let second: ControlPlane
  let git: GitServer
  let printed: Printed
  let directory: string
  let ports: { api: number; enrol: number; data: number }
  const run: Printed['run'] = (...given) => printed.run(...given)
  const onSecond = () => ({ env: { KUBECONFIG: second.kubeconfig } })

  before(async () => {
    directory = stack.use(await createTempDir('first-fleet')).path
    ;[first, second, git] = await Promise.all([
      startControlPlane({ name: 'edge-1', controllers: true, nodes: true }),
      startControlPlane({ name: 'edge-2' }),
      startGitServer(),
    ])
    for (const one of [first, second, git]) stack.use(one)
    const bin = await installPrograms(directory, ['kubectl', 'helm'])
    ports = { api: await freePort(), enrol: await freePort(), data: await freePort() }
    printed = await openPrinted([page], {
      cwd: root,
      bin: [bin, join(root, 'node_modules/.bin')],
      logs: directory,
      env: {
        ...testGitEnv,
        ...{ HOME: directory, GROUNDSWELL_CACHE: cacheDir(), KUBECONFIG: first.kubeconfig },
        ...{ npm_config_cache: join(homedir(), '.npm'), npm_config_offline: 'true' },
        GROUNDSWELL_HUB_API_PORT: String(ports.api),
        GROUNDSWELL_HUB_ENROL_PORT: String(ports.enrol),
        GROUNDSWELL_HUB_DATA_PORT: String(ports.data),
        GROUNDSWELL_HUB_INTERVAL: '1s',
      },
      placeholders: {
        'https://git.example/fleet.git': git.url('fleet'),
        'http://127.0.0.1:8080': `http://127.0.0.1:${ports.api}`,
        '127.0.0.1:8443': `127.0.0.1:${ports.enrol}`,
        './edge-1': join(directory, 'edge-1'),
        'soak: 30s': 'soak: 1s',
      },
    })
  })
  after(() => stack.disposeAsync())

  test('its files are a fleet, and a hub runs it', async () => {
    const fleet = await git.createRepository('fleet')
    await fleet.commit(printed.files(page))
    const hub = printed.start(page, 'npm start')
    stack.defer(() => hub.stop(15_000))
    await until(
      async () => {
        assertRunning(hub)
        return (await fetch(`http://127.0.0.1:${ports.api}/readyz`)).ok
      },
      { deadlineMs: 90_000, intervalMs: 300, what: 'the hub to be ready' },
    )
  })

  test('a cluster joins by a token, and its application arrives', async () => {
    const { out } = await printed.block(page, 1)
    const token = out.trim()
    const admin = join(directory, '.local/state/groundswell/hub/admin-token')
    printed.know({
      SWELL_SERVER: `http://127.0.0.1:${ports.api}`,
      SWELL_TOKEN: (await readFile(admin, 'utf8')).trim(),
    })
    const agent = printed.start(page, 'npm run agent', { placeholders: { TOKEN: token } })
    stack.defer(() => agent.stop(15_000))
    await until(
      async () => {
        assertRunning(agent)
        return /\bhello\b/.test((await run(page, 'npx swell get rollouts')).out)
      },
      { deadlineMs: 60_000, intervalMs: 500, what: 'a rollout' },
    )
    await run(page, 'npx swell rollout watch')
    assert.match((await run(page, 'npx swell get clusters')).out, /^edge-1 +.*Connected/m)
    const { status } = await kubeCall<{ status: { readyReplicas: number } }>(
      first,
      'GET',
      '/apis/apps/v1/namespaces/hello/deployments/hello',
    )
    assert.equal(status.readyReplicas, 2)
  })

  test('a second one joins from within, and says in its log who it is', async () => {
    await run(page, 'npx swell agent manifest', onSecond())
    const pod = await startAgentPod(second, directory)
    stack.defer(() => pod.stop(10_000))
    stack.use(await playPod(second, 'groundswell-system', 'groundswell-agent', () => pod.readLog()))
    await until(
      async () => {
        const logs = await run(page, 'kubectl -n groundswell-system logs', onSecond())
        return /"fingerprint":"[0-9a-f-]{39}"/.test(logs.out)
      },
      { deadlineMs: 20_000, intervalMs: 300, what: 'the fingerprint in its log' },
    )
  })

  test('helm installs both', async () => {
    await run(page, 'helm install agent', { placeholders: { TOKEN: 'one-of-a-hub' } })
    await run(page, 'helm install hub')
    for (const [namespace, kind] of [
      ['groundswell-system', 'deployments'],
      ['groundswell', 'statefulsets'],
    ]) {
      const path = `/apis/apps/v1/namespaces/${namespace}/${kind}`
      const { items } = await kubeCall<{ items: object[] }>(first, 'GET', path)
      assert.ok(items.length > 0, path)
    }
  })

  test('a new release of the agent is an application like others', async () => {
    const cwd = join(directory, 'clone')
    await mkdir(join(cwd, 'apps/agent'), { recursive: true })
    await run(page, 'swell agent deployment', { cwd })
    const text = await readFile(join(cwd, 'apps/agent/deployment.yaml'), 'utf8')
    assert.match(text, /^kind: Deployment$/m)
    assert.match(text, /groundswell-agent:2/)
  })

  test('every command of the page was run', () => {
    assert.deepEqual(printed.untried(), [])
  })
})
