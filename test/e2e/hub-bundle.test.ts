import assert from 'node:assert/strict'
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { buildHub } from '../../deploy/build/hub.mjs'
import { packFleet, unpackFleet } from '../../hub/fleet/memory/v8.ts'
import { untilFaults } from '../support/api-client.ts'
import { clusterFiles, strategyFile } from '../support/fleet-files.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { startGitServer } from '../support/git-server.ts'
import { type HubProcess, startHub } from '../support/hub-process.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { startRedis } from '../support/redis.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* The hub as it is shipped: few files, with no packages beside them. */

const application = (secret: string) => ({
  'app/said.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: said }
data: { text: hello }
${secret}`,
  'fleet/said.yaml': `apiVersion: groundswell.dev/v1alpha1
kind: Application
metadata: { name: said }
spec:
  source: { path: app }
  targets: [{ clusters: [a] }]
  targetNamespace: said
  createNamespace: true
  rolloutStrategy: careful
`,
})
const secret = `---
apiVersion: v1
kind: Secret
metadata: { name: bare }
stringData: { password: hunter2-but-longer }
`

describe('the hub as a bundle', () => {
  const stack = new AsyncDisposableStack()
  let directory: string
  let built: { program: string; bytes: number; digest: string }
  let fleet: TestRepository
  let hub: HubProcess

  before(async () => {
    directory = stack.use(await createTempDir('hub-bundle')).path
    built = await buildHub(join(directory, 'built'))
    // Elsewhere than it was built, where no package of this checkout can be found.
    await cp(join(directory, 'built'), join(directory, 'moved'), { recursive: true })
    const git = stack.use(await startGitServer())
    const redis = stack.use(await startRedis())
    fleet = await git.createRepository('fleet')
    await fleet.commit({ ...clusterFiles, ...strategyFile('0s'), ...application('') })
    hub = await startHub({
      ...{ directory, fleetUrl: git.url('fleet'), path: 'fleet', redisUrl: redis.url },
      ...{ interval: '1s', program: join(directory, 'moved', 'hub', 'main.js') },
      env: { NODE_COMPILE_CACHE: join(directory, 'compiled') },
    })
    stack.defer(() => hub.stop())
  })
  after(() => stack.disposeAsync())

  it('is the same bytes each time, at a byte a letter', async (t) => {
    t.diagnostic(`${Math.ceil(built.bytes / 1024)} KiB`)
    const folder = join(directory, 'built', 'hub')
    for (const file of await readdir(folder)) {
      assert.doesNotMatch(await readFile(join(folder, file), 'latin1'), /[\u0080-\u00ff]/, file)
    }
    assert.equal((await buildHub(join(directory, 'again'))).digest, built.digest)
  })

  it('renders, signs and delivers, and comes back from being killed', async () => {
    await using agent = await startMemoryAgent(hub, 'a')
    const untilSays = (what: string) =>
      until(() => agent.cluster.read('/ConfigMap/said/said') !== undefined, {
        deadlineMs: 30_000,
        what,
      })
    await untilSays('the cluster has it')
    await hub.kill()
    await hub.start()
    await fleet.commit({
      'app/said.yaml': application('')['app/said.yaml'].replace('hello', 'bye'),
    })
    const said = () =>
      (agent.cluster.read('/ConfigMap/said/said') as unknown as { data: { text: string } }).data
        .text
    await until(() => said() === 'bye', { deadlineMs: 30_000, what: 'the cluster has the next' })
  })

  it('starts Git by a process that is small', async () => {
    const hubPid = hub.process().pid
    const children = await until(
      async () => {
        const pids = (await readFile(`/proc/${hubPid}/task/${hubPid}/children`, 'utf8')).split(' ')
        const lines = pids.filter(Boolean).map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8'))
        const found = (await Promise.all(lines)).filter((line) => line.includes('fork-server.js'))
        return found.length > 0 && found
      },
      { deadlineMs: 20_000, what: 'a process that starts Git' },
    )
    assert.equal(children.length, 1)
    assert.doesNotMatch(await readFile(join(directory, 'hub.log'), 'utf8'), /starts Git/)
  })

  it('takes the fleet from its disk when it starts again, and from Git once that has another', async () => {
    const [reader, file] = [
      { build: built.digest, path: 'fleet' },
      join(hub.data, 'mirrors', 'last-fleet'),
    ]
    const known = unpackFleet(await readFile(file), reader)!
    const warnings = [{ file: 'fleet/said.yaml', line: 1, message: 'it was on the disk' }]
    await hub.kill()
    await writeFile(file, packFleet({ ...known, fleet: { ...known.fleet, warnings } }, reader))
    await hub.start()
    await untilFaults(hub.api, 'what the disk says', (view) => view.warnings.length === 1)
    await fleet.commit({ 'fleet/other.yaml': '# nothing\n' })
    await untilFaults(hub.api, 'what Git says', (view) => view.warnings.length === 0)
  })

  it('has what it reads only when it is needed: policies find a literal secret', async () => {
    await fleet.commit(application(secret))
    const { faults } = await untilFaults(hub.api, 'it is refused', (view) => view.faults.length > 0)
    assert.match(JSON.stringify(faults), /Secret.*bare/)
  })

  it('serves the dashboard', async () => {
    const page = await fetch(`${hub.url}/`)
    assert.equal(page.status, 200)
    assert.match(await page.text(), /<title>/)
  })
})
