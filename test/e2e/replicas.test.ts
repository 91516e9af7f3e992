import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { freePort } from '../support/free-port.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { type HubProcess, startHub } from '../support/hub-process.ts'
import { runRefused } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type MemoryAgent, startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import { type TempDir, createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* Two hubs, one Redis, three agents. Only who leads listens to agents, on ports both have. */

describe('two replicas of a hub', () => {
  const stack = new AsyncDisposableStack()
  let directory: TempDir
  let git: GitServer
  let repository: TestRepository
  let redis: TestRedis
  let hubs: HubProcess[]
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
    const ports = { enrol: await freePort(), data: await freePort() }
    hubs = [await start('one', ports), await start('two', ports)]
    const leader = await untilLed()
    for (const name of ['a', 'b', 'c']) {
      agents.set(name, stack.use(await startMemoryAgent(leader, name)))
    }
    await untilAllHave('one', () => [...agents.keys()].map(textOf))
    await waitForRollout(leader.api, 'web', 'Succeeded')
  })

  after(() => stack.disposeAsync())

  async function start(
    name: string,
    ports?: { enrol: number; data: number },
    more: { prefix?: string } = {},
  ): Promise<HubProcess> {
    const hub = await startHub({
      directory: join(directory.path, more.prefix ?? '', name),
      fleetUrl: git.url('fleet'),
      path: 'fleet',
      redisUrl: redis.url,
      interval: '1s',
      shared: join(directory.path, more.prefix ?? '', 'shared'),
      args: ['--replica', name, '--lease', '3s', ...(more.prefix ? ['--name', more.prefix] : [])],
      ...(ports ? { ports } : {}),
    })
    stack.defer(() => hub.stop())
    return hub
  }

  async function isReady(hub: HubProcess): Promise<boolean> {
    return fetch(`${hub.url}/readyz`, { signal: AbortSignal.timeout(1_000) }).then(
      ({ ok }) => ok,
      () => false,
    )
  }

  function untilLed(among: readonly HubProcess[] = hubs): Promise<HubProcess> {
    return until(
      async () => {
        for (const hub of among) if (await isReady(hub)) return hub
        return undefined
      },
      { deadlineMs: 30_000, what: 'a replica to lead' },
    )
  }

  const otherThan = (hub: HubProcess): HubProcess => hubs.find((one) => one !== hub)!

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
        const [one, two] = [await readLedger(hubs[0]!), await readLedger(hubs[1]!)]
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

  it('the one that stands by lives, is not ready, and says who leads', async () => {
    const leader = await untilLed()
    const standby = otherThan(leader)
    assert.equal((await fetch(`${standby.url}/livez`)).status, 200)
    assert.equal((await fetch(`${standby.url}/readyz`)).status, 503)
    const refused = await fetch(`${standby.url}/api/v1/clusters`)
    assert.equal(refused.status, 503)
    assert.equal(refused.headers.get('retry-after'), '2')
    const { code, detail } = (await refused.json()) as { code: string; detail: string }
    assert.equal(code, 'no_leader')
    const authorization = `Bearer ${await leader.token()}`
    for (const [hub, leads] of [
      [standby, 0],
      [leader, 1],
    ] as const) {
      const metrics = await fetch(`${hub.url}/metrics`, { headers: { authorization } })
      assert.match(await metrics.text(), new RegExp(`^groundswell_leader ${leads}$`, 'm'))
    }
    assert.match(detail, /replica (one|two) leads/)
  })

  it('F2, F5: kill -9 of the leader in mid-wave: the other goes on with the same rollout', async (t) => {
    const leader = await untilLed()
    const heir = otherThan(leader)
    const { commit, id } = await sayMidWave(leader, 'two')
    const killed = performance.now()
    await leader.kill()
    await untilLed([heir])
    const led = Math.round(performance.now() - killed)
    const ended = await waitForRollout(heir.api, 'web', 'Succeeded', { commit })
    t.diagnostic(`killed; the other led after ${led} ms with a lease of 3 s`)
    assert.equal(ended.id, id)
    for (const cluster of ['a', 'b', 'c']) assert.equal(textOf(cluster), 'two')
    await assertLedgerHolds(heir.data)
    await leader.start()
    await untilAlike()
  })

  it('kill -9 of the one that stands by: nobody notices, and it catches up', async () => {
    const leader = await untilLed()
    const standby = otherThan(leader)
    await standby.kill()
    const commit = await repository.commit({
      'apps/web/settings.yaml': configMap('settings', 'three'),
    })
    await waitForRollout(leader.api, 'web', 'Succeeded', { commit })
    await standby.start()
    await untilAlike()
    assert(await isReady(leader))
    const { process: running } = standby
    const waiting = running()
    await standby.stop()
    assert.equal(waiting.exitCode, 0, 'one that stands by drains like any other')
    await standby.start()
  })

  it('F11: FLUSHALL in mid-wave: the leader goes on, and the other follows', async () => {
    const leader = await untilLed()
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
    // On ports of their own: a stopped process keeps its listeners.
    const pair = [
      await start('left', undefined, { prefix: 'pair' }),
      await start('right', undefined, { prefix: 'pair' }),
    ]
    const leader = await untilLed(pair)
    const heir = pair.find((hub) => hub !== leader)!
    await leader.api.post('clusters/a/tokens', {})
    process.kill(leader.process().pid, 'SIGSTOP')
    await untilLed([heir])
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
    assert.match(words, /another CA/)
  })
})
