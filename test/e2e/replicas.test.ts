import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { runRefused } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import {
  type ReplicaProcesses,
  isReady,
  leads,
  startReplicas,
  untilLedAmong,
} from '../support/replica-processes.ts'
import { type TempDir, createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* Two hubs, one Redis, three agents that go to whichever is there. */

describe('two replicas of a hub', () => {
  const stack = new AsyncDisposableStack()
  let directory: TempDir
  let git: GitServer
  let repository: TestRepository
  let redis: TestRedis
  let replicas: ReplicaProcesses
  const agents = new Map<string, MemoryAgent>()

  before(async () => {
    directory = stack.use(await createTempDir('replicas'))
    git = stack.use(await startGitServer())
    redis = stack.use(await startRedis())
    repository = await git.createRepository('fleet')
    await repository.commit({
      ...clusterFiles,
      ...strategyFile('2s'),
      ...applicationFiles('web', 'one'),
    })
    replicas = await start(['one', 'two'])
    const leader = await replicas.untilLed()
    for (const name of ['a', 'b', 'c']) {
      agents.set(name, stack.use(await startMemoryAgent(leader, name)))
    }
    await untilAllHave('one', () => [...agents.keys()].map(textOf))
    await waitForRollout(leader.api, 'web', 'Succeeded')
  })

  after(() => stack.disposeAsync())

  async function start(names: readonly string[], fleet?: string): Promise<ReplicaProcesses> {
    return stack.use(
      await startReplicas({
        directory: join(directory.path, fleet ?? 'fleet'),
        fleetUrl: git.url('fleet'),
        redisUrl: redis.url,
        names,
        args: fleet === undefined ? [] : ['--name', fleet],
      }),
    )
  }

  const otherThan = (hub: HubProcess): HubProcess => replicas.others(hub)[0]!

  const textOf = (cluster: string): unknown =>
    (
      agents.get(cluster)!.cluster.read('/ConfigMap/web/settings') as
        { data?: { text?: string } } | undefined
    )?.data?.text

  async function readLedger(hub: HubProcess): Promise<string> {
    return readFile(join(hub.data, 'ledger', 'ledger.jsonl'), 'utf8')
  }

  async function untilAlike(): Promise<void> {
    await until(
      async () => {
        const [one, two] = [
          await readLedger(replicas.hubs[0]!),
          await readLedger(replicas.hubs[1]!),
        ]
        if (one === two) return true
        throw new Error(`${one.split('\n').length} and ${two.split('\n').length} lines`)
      },
      { deadlineMs: 15_000, what: 'both ledgers to be alike' },
    )
  }

  async function sayMidWave(hub: HubProcess, text: string) {
    const commit = await repository.commit({
      'apps/web/settings.yaml': configMap('settings', text),
    })
    await until(() => textOf('a') === text, { deadlineMs: 20_000, what: 'the canary to have it' })
    assert.notEqual(textOf('b'), text)
    const rollout = await newestRollout(hub.api, 'web')
    assert.equal(rollout?.phase, 'Progressing')
    return { commit, id: rollout.id }
  }

  it('each says whether it leads, and both are there for agents and callers', async () => {
    const leader = await replicas.untilLed()
    const follower = otherThan(leader)
    assert.equal((await fetch(`${follower.url}/livez`)).status, 200)
    await until(() => isReady(follower), { deadlineMs: 10_000, what: 'the follower to be ready' })
    assert(await isReady(leader))
    assert(!(await leads(follower)))
    const { items } = await follower.api.get<{ items: object[] }>('clusters')
    assert.equal(items.length, 3)
  })

  it('F2, F5: kill -9 of the leader in mid-wave: the other goes on with the same rollout', async (t) => {
    const leader = await replicas.untilLed()
    const heir = otherThan(leader)
    const { commit, id } = await sayMidWave(leader, 'two')
    const killed = performance.now()
    await leader.kill()
    const refused = await fetch(`${heir.url}/api/v1/clusters`)
    assert.equal(refused.status, 503)
    assert.equal(refused.headers.get('retry-after'), '2')
    const { code, detail } = (await refused.json()) as { code: string; detail: string }
    assert.equal(code, 'no_leader')
    assert.match(detail, /replica (one|two) leads/)
    await untilLedAmong([heir])
    const led = Math.round(performance.now() - killed)
    const ended = await waitForRollout(heir.api, 'web', 'Succeeded', { commit })
    t.diagnostic(`killed; the other led after ${led} ms with a lease of 5 s`)
    assert.equal(ended.id, id)
    for (const cluster of ['a', 'b', 'c']) assert.equal(textOf(cluster), 'two')
    await assertLedgerHolds(heir.data)
    await leader.start()
    await untilAlike()
  })

  it('kill -9 of the one that stands by: nobody notices, and it catches up', async () => {
    const leader = await replicas.untilLed()
    const standby = otherThan(leader)
    await standby.kill()
    const commit = await repository.commit({
      'apps/web/settings.yaml': configMap('settings', 'three'),
    })
    await waitForRollout(leader.api, 'web', 'Succeeded', { commit })
    await standby.start()
    await untilAlike()
    assert(await leads(leader))
    const { process: running } = standby
    const waiting = running()
    await standby.stop()
    assert.equal(waiting.exitCode, 0, 'one that stands by drains like any other')
    await standby.start()
  })

  it('F11: FLUSHALL in mid-wave: the leader goes on, and the other follows', async () => {
    const leader = await replicas.untilLed()
    const { commit, id } = await sayMidWave(leader, 'four')
    const connection = new Redis(redis.url)
    await connection.flushall()
    connection.disconnect()
    const ended = await waitForRollout(leader.api, 'web', 'Succeeded', { commit })
    assert.equal(ended.id, id)
    await untilAlike()
    await assertLedgerHolds(otherThan(leader).data)
  })

  it('F3, F4: a leader that was stopped past its lease wakes fenced: nothing it decides counts', async () => {
    const pair = await start(['left', 'right'], 'pair')
    const leader = await pair.untilLed()
    const [heir] = pair.others(leader) as [HubProcess]
    await leader.api.post('clusters/a/tokens', {})
    process.kill(leader.process().pid, 'SIGSTOP')
    await untilLedAmong([heir])
    await heir.api.post('clusters/b/tokens', {})
    const late = leader.api.post('clusters/c/tokens', {}).then(
      () => 'decided',
      () => 'refused',
    )
    process.kill(leader.process().pid, 'SIGCONT')
    assert.equal(await late, 'refused')
    await until(() => !leader.process().running, { deadlineMs: 15_000, what: 'it to end' })
    assert.equal(leader.process().exitCode, 75)
    const kept = await readLedger(heir)
    assert(!kept.includes('"cluster":"c","key"'), 'its late decision is nowhere')
    assert(kept.startsWith(await readLedger(leader)), 'what it has is what the other has')
    await leader.start()
    await until(async () => (await readLedger(leader)) === (await readLedger(heir)), {
      deadlineMs: 15_000,
      what: 'it to follow',
    })
    assert.equal(
      (await readLedger(heir)).split('\n').filter((line) => line.includes('lease.taken')).length,
      2,
    )
  })

  it('one with a CA of its own is refused', async () => {
    const { code, words } = await runRefused([
      ...['--fleet', git.url('fleet'), '--path', 'fleet', '--redis', redis.url],
      ...['--data', join(directory.path, 'stranger'), '--replica', 'three'],
    ])
    assert.equal(code, 1)
    assert.match(words, /another CA.* the same --shared directory/)
  })
})
