import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { enginePath } from '../../deploy/setup/paths.mjs'
import { untilFaults } from '../support/api-client.ts'
import { clusterFiles, strategyFile } from '../support/fleet-files.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { startGitServer } from '../support/git-server.ts'
import { type HubProcess, startHub } from '../support/hub-process.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { startRedis } from '../support/redis.ts'
import { runSwell } from '../support/swell.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* What a cluster is comes from its agent: charts that ask are rendered for that, and roll out anew
   when it changes; others never notice. Git's word comes first. */

const api = 'apiVersion: groundswell.dev/v1alpha1'
const chart = {
  'charts/asks/Chart.yaml': 'apiVersion: v2\nname: asks\nversion: 1.0.0\n',
  'charts/asks/templates/said.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: said }
data:
  text: '{{ .Values.on }} {{ .Capabilities.APIVersions.Has "monitors.io/v1" }}'
`,
  'fleet/asks.yaml': `${api}
kind: Application
metadata: { name: asks }
spec:
  source: { path: charts/asks, helm: { values: { on: 'on \${cluster.kubernetesVersion}' } } }
  targets: [{ clusters: [a] }]
  targetNamespace: asks
  createNamespace: true
  rolloutStrategy: careful
`,
}

interface ClusterView {
  readonly facts: object
  readonly applications: readonly { readonly name: string; readonly desiredDigest: string | null }[]
}

describe('the facts of a cluster', () => {
  const stack = new AsyncDisposableStack()
  let fleet: TestRepository
  let hub: HubProcess
  let agent: MemoryAgent
  let directory: string

  before(async () => {
    directory = stack.use(await createTempDir('facts')).path
    const git = stack.use(await startGitServer())
    const redis = stack.use(await startRedis())
    fleet = await git.createRepository('fleet')
    await fleet.commit({ ...clusterFiles, ...strategyFile('0s'), ...chart })
    hub = await startHub({
      ...{ directory, fleetUrl: git.url('fleet'), path: 'fleet' },
      ...{ redisUrl: redis.url, interval: '1s' },
    })
    stack.defer(() => hub.stop())
  })

  after(() => stack.disposeAsync())

  const said = (): unknown =>
    (agent.cluster.read('/ConfigMap/asks/said') as { data?: { text?: string } } | undefined)?.data
      ?.text
  const untilSays = (text: string) =>
    until(() => said() === text, { deadlineMs: 20_000, what: `the cluster says ${text}` })
  const view = () => hub.api.get<ClusterView>('clusters/a')

  it('are waited for where Git asks for them, and nothing goes there meanwhile', async () => {
    const { faults } = await untilFaults(hub.api, 'it is read', ({ revision }) => revision !== null)
    assert.deepEqual(faults, [])
    const words =
      /cluster a declares no `kubernetesVersion`, and no agent has reported one yet: it is left as it is/
    await until(
      async () => {
        const { warnings } = await hub.api.get<{ warnings: { message: string }[] }>('fleet')
        return warnings.some(({ message }) => words.test(message))
      },
      { deadlineMs: 20_000, what: 'it to be said' },
    )
  })

  it('are what its agent reports: charts are rendered for that, and again when it changed', async () => {
    const facts = { kubernetesVersion: 'v1.33.4-gke.12', apis: ['apps/v1', 'v1'] }
    agent = stack.use(await startMemoryAgent(hub, 'a', { facts }))
    await untilSays('on 1.33.4 false')
    assert.deepEqual((await view()).facts, {
      ...{ kubernetesVersion: 'v1.33.4-gke.12', kubernetesVersionFrom: 'agent' },
      ...{ apis: 2, apisFrom: 'agent' },
    })
    agent.become({ ...facts, apis: ['apps/v1', 'monitors.io/v1', 'v1'] })
    await untilSays('on 1.33.4 true')
    const described = await runSwell(hub, 'describe', 'cluster', 'a')
    assert.match(
      described.out,
      /Charts see:? +Kubernetes v1.33.4-gke.12 \(reported by its agent\), 3 APIs \(reported by its agent\)/,
    )
  })

  it('that no chart asked for roll nothing out', async () => {
    const before = (await view()).applications[0]?.desiredDigest
    agent.become({
      ...{ kubernetesVersion: 'v1.33.4-gke.12' },
      apis: ['apps/v1', 'monitors.io/v1', 'others.io/v1', 'v1'],
    })
    await until(async () => JSON.stringify((await view()).facts).includes('"apis":4'), {
      deadlineMs: 20_000,
      what: 'the hub to know of four APIs',
    })
    assert.equal((await view()).applications[0]?.desiredDigest, before)
  })

  it('outlive a restart of the hub, and are a file for checks without one', async () => {
    const before = (await view()).applications[0]?.desiredDigest
    await hub.stop()
    await hub.start()
    await untilFaults(hub.api, 'it is read', ({ revision }) => revision !== null)
    assert.equal((await view()).applications[0]?.desiredDigest, before)
    const told = await runSwell(hub, 'get', 'facts')
    assert.equal(told.code, 0, told.said)
    const file = join(directory, 'facts.json')
    await writeFile(file, told.out)
    const words = [
      '-C',
      fleet.path.replace(/git$/, 'clone'),
      '--path',
      'fleet',
      '--no-cache',
      '-o',
      'json',
      ...['--engine', enginePath()],
    ]
    const render = async (...more: readonly string[]) => runSwell(hub, 'render', ...words, ...more)
    const known = await render('--facts', file)
    assert.equal(known.code, 0, known.said)
    assert.match(known.out, /on 1\.33\.4 true/)
    assert.ok(known.out.includes(before!), 'the digest is the one that the hub delivers')
    const unknown = await render()
    assert.equal(unknown.code, 2)
    assert.match(unknown.said, /no agent has reported one yet; --facts tells what agents reported/)
  })

  it('that Git declares win, each by itself', async () => {
    const [text] = Object.values(clusterFiles)
    await fleet.commit({
      'fleet/clusters.yaml': text!.replace('spec: {}', 'spec: { kubernetesVersion: "1.30" }'),
    })
    await untilSays('on 1.30 true')
    const { facts } = await view()
    assert.deepEqual(facts, {
      ...{ kubernetesVersion: '1.30', kubernetesVersionFrom: 'git' },
      ...{ apis: 4, apisFrom: 'agent' },
    })
  })
})
