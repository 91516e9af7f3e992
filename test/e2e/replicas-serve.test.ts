import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, strategyFile } from '../support/fleet-files.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { type MemoryAgent, startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { startRedis } from '../support/redis.ts'
import { type ReplicaProcesses, isReady, startReplicas } from '../support/replica-processes.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* Three hubs, one Redis, an agent on each: whichever leads, all are served. */

describe('replicas that follow', () => {
  const stack = new AsyncDisposableStack()
  let git: GitServer
  let repository: TestRepository
  let replicas: ReplicaProcesses
  let leader: HubProcess
  const agents = new Map<string, MemoryAgent>()
  const offers = new Map<string, number>()

  before(async () => {
    const directory = stack.use(await createTempDir('replicas-serve'))
    git = stack.use(await startGitServer())
    const redis = stack.use(await startRedis())
    repository = await git.createRepository('fleet')
    await repository.commit({
      ...clusterFiles,
      ...strategyFile('1s'),
      ...applicationFiles('web', 'one'),
    })
    replicas = stack.use(
      await startReplicas({
        directory: directory.path,
        fleetUrl: git.url('fleet'),
        redisUrl: redis.url,
        names: ['one', 'two', 'three'],
      }),
    )
    leader = await replicas.untilLed()
    const [second, third] = replicas.others(leader)
    for (const hub of [second!, third!]) {
      await until(() => isReady(hub), { deadlineMs: 10_000, what: 'a follower to be ready' })
    }
    for (const [name, hubs] of [
      ['a', [second!, third!]],
      ['b', [third!, second!]],
      ['c', [leader, second!, third!]],
    ] as const) {
      const onOffer = (): void => void offers.set(name, Date.now())
      agents.set(name, stack.use(await startMemoryAgent(second!, name, { hubs, onOffer })))
    }
    await untilAllHave('one', () => [...agents.keys()].map(textOf))
    await waitForRollout(leader.api, 'web', 'Succeeded')
  })

  after(() => stack.disposeAsync())

  const textOf = (cluster: string): unknown =>
    (
      agents.get(cluster)!.cluster.read('/ConfigMap/web/settings') as
        { data?: { text?: string } } | undefined
    )?.data?.text

  async function countRelayed(hub: HubProcess): Promise<number> {
    const metrics = await (await fetch(`${hub.url}/metrics`)).text()
    return Number(/^groundswell_relayed_streams (\d+)$/m.exec(metrics)?.[1])
  }

  it('joins, streams and calls that come to a follower are served', async () => {
    assert.deepEqual([...offers.keys()].sort(), ['a', 'b', 'c'])
    const [second, third] = replicas.others(leader) as [HubProcess, HubProcess]
    assert.equal(await countRelayed(second), 1)
    assert.equal(await countRelayed(third), 1)
    const refused = await fetch(`${second.url}/api/v1/clusters`, {
      headers: { authorization: 'Bearer nobody' },
    })
    assert.equal(refused.status, 401)
    const { items } = await third.api.get<{ items: { name: string }[] }>('clusters')
    assert.deepEqual(items.map(({ name }) => name).sort(), ['a', 'b', 'c'])
  })
})
