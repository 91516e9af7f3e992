import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { untilFaults } from '../support/api-client.ts'
import { applicationFiles, strategyFile } from '../support/fleet-files.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { startGitServer } from '../support/git-server.ts'
import { type HubProcess, startHub } from '../support/hub-process.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { startRedis } from '../support/redis.ts'
import { runSwell } from '../support/swell.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* A real hub and agent: what a policy denies never leaves, and what runs stays. */

const api = 'apiVersion: groundswell.dev/v1alpha1'
const cluster = `${api}\nkind: Cluster\nmetadata: { name: a, labels: { ring: canary } }\nspec: {}\n`
const policy = `${api}\nkind: Policy\nmetadata: { name: words }\nspec: { files: [policies] }\n`
const rego = `package main
deny[msg] { input.data.text == "forbidden"; msg := "nobody may say that" }
warn[msg] { input.data.text == "odd"; msg := "nobody says that" }
`
describe('policies between Git and clusters', () => {
  const stack = new AsyncDisposableStack()
  let repository: TestRepository
  let hub: HubProcess
  let agent: MemoryAgent

  before(async () => {
    const directory = stack.use(await createTempDir('policy'))
    const git = stack.use(await startGitServer())
    const redis = stack.use(await startRedis())
    repository = await git.createRepository('fleet')
    await repository.commit({
      'fleet/clusters.yaml': cluster,
      'fleet/policy.yaml': policy,
      'policies/words.rego': rego,
      ...strategyFile('0s'),
      ...applicationFiles('web', 'one'),
    })
    hub = await startHub({
      ...{ directory: directory.path, fleetUrl: git.url('fleet'), path: 'fleet' },
      ...{ redisUrl: redis.url, interval: '1s' },
    })
    stack.defer(() => hub.stop())
    await untilFaults(hub.api, 'the fleet is read', ({ revision }) => revision !== null)
    agent = stack.use(await startMemoryAgent(hub, 'a'))
    await untilSays('one')
  })

  after(() => stack.disposeAsync())

  const saying = (): unknown =>
    (agent.cluster.read('/ConfigMap/web/settings') as { data?: { text?: string } } | undefined)
      ?.data?.text
  const untilSays = (text: string) =>
    until(() => saying() === text, { deadlineMs: 20_000, what: `the cluster says ${text}` })

  it('I4 a denied application keeps its last good content, and everybody is told why', async () => {
    await repository.commit(applicationFiles('web', 'forbidden'))
    const { faults } = await untilFaults(
      hub.api,
      'the denial is told',
      ({ faults }) => faults.length > 0,
    )
    assert.deepEqual(faults, [
      {
        ...{ file: 'apps/web/settings.yaml', object: 'Application web', cluster: 'a' },
        message: 'policy words denies ConfigMap web/settings: data.main.deny: nobody may say that',
      },
    ])
    assert.equal(saying(), 'one')
    const described = await runSwell(hub, 'describe', 'application', 'web')
    assert.match(
      described.out,
      /Faults: +apps\/web\/settings.yaml: .*policy words denies ConfigMap/,
    )
    const { items } = await hub.api.get<{ items: { type: string; message: string }[] }>('events')
    assert.ok(
      items.some(({ type, message }) => type === 'application.fault' && /nobody may/.test(message)),
    )
  })

  it('what only warns is delivered, and told', async () => {
    await repository.commit(applicationFiles('web', 'odd'))
    await untilSays('odd')
    const { faults, warnings } = await untilFaults(
      hub.api,
      'the warning is told',
      ({ warnings }) => warnings.length > 0,
    )
    assert.deepEqual(faults, [])
    assert.match(
      warnings.map(({ message }) => message).join(),
      /policy words warns of ConfigMap web\/settings: data.main.warn: nobody says that/,
    )
  })

  it('a policy that cannot be judged refuses the commit whole, with its place', async () => {
    await repository.commit({
      'policies/words.rego': rego.replace('"odd"', 'http.send({})'),
      ...applicationFiles('web', 'two'),
    })
    const { faults } = await untilFaults(hub.api, 'the refusal', ({ refused }) => refused !== null)
    assert.deepEqual(
      faults.map(({ file, line, message }) => `${file}:${line} ${message.slice(0, 36)}`),
      ['policies/words.rego:3 Rego: http.send is not available: a '],
    )
    assert.equal(saying(), 'odd')
    await repository.commit({ 'policies/words.rego': rego })
    await untilSays('two')
  })

  it('a Secret in plain text is denied with no policy at all', async () => {
    await repository.commit({
      'fleet/policy.yaml': '# none\n',
      'apps/web/secret.yaml':
        'apiVersion: v1\nkind: Secret\nmetadata: { name: db }\nstringData: { password: hunter2 }\n',
      ...applicationFiles('web', 'three'),
    })
    const { faults } = await untilFaults(hub.api, 'the denial', ({ faults }) => faults.length > 0)
    assert.match(
      faults[0]!.message,
      /^policy default denies Secret web\/db: plaintext secret: stringData.password in plain text/,
    )
    assert.ok(!JSON.stringify(faults).includes('hunter2'))
    assert.equal(saying(), 'two')
  })
})
