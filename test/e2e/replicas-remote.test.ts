import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, strategyFile } from '../support/fleet-files.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { assertNothingRewritten, readRemoteLedger } from '../support/ledger-branch.ts'
import { judgeLedger } from '../support/ledger-oracle.ts'
import { untilAllHave } from '../support/memory-agent.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import { createReplicaAgents } from '../support/replica-agents.ts'
import {
  type ReplicaProcesses,
  startReplicas,
  untilLedAmong,
} from '../support/replica-processes.ts'
import { runSwell } from '../support/swell.ts'
import { type TempDir, createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* Two hubs that push to one Git server, agents that begin at each. */

describe('two replicas with the ledger at a Git server', () => {
  const stack = new AsyncDisposableStack()
  let directory: TempDir
  let git: GitServer
  let fleet: TestRepository
  let ledger: TestRepository
  let redis: TestRedis
  let replicas: ReplicaProcesses
  const agents = createReplicaAgents()

  before(async () => {
    directory = stack.use(await createTempDir('replicas-remote'))
    git = stack.use(await startGitServer())
    redis = stack.use(await startRedis())
    fleet = await git.createRepository('fleet')
    ledger = await git.createRepository('ledger')
    await fleet.commit({
      ...clusterFiles,
      ...strategyFile('2s'),
      ...applicationFiles('web', 'one'),
    })
    replicas = stack.use(
      await startReplicas({
        directory: join(directory.path, 'fleet'),
        fleetUrl: git.url('fleet'),
        redisUrl: redis.url,
        names: ['one', 'two'],
        args: ['--ledger-remote', git.url('ledger'), '--offline-grace', '60s'],
      }),
    )
    await agents.start(stack, replicas.hubs)
    await untilAllHave('one', agents.texts)
    await waitForRollout((await replicas.untilLed()).api, 'web', 'Succeeded')
  })

  after(() => stack.disposeAsync())

  /**
   * The remote has what the hub has, and nothing in it was ever taken back. An auditor finds nothing wrong, unless what was
   * not pushed yet was lost: then receipts of it are left.
   */
  async function assertPushed(hub: HubProcess, isAllThere = true): Promise<void> {
    const own = join(hub.data, 'ledger', 'ledger.jsonl')
    const text = await until(
      async () => {
        const there = `${(await readRemoteLedger(ledger.path)).join('\n')}\n`
        return there === (await readFile(own, 'utf8')) && there
      },
      // A commit may take one part in twenty of the time: on a busy machine they are far apart.
      { deadlineMs: 60_000, what: 'the remote to have all of the ledger' },
    )
    const file = join(directory.path, 'remote.jsonl')
    await writeFile(file, text)
    const { code, out, said } = await runSwell(hub, 'audit', 'verify', file)
    if (isAllThere) assert.equal(code, 0, `${out}${said}`)
    judgeLedger(text)
    await assertNothingRewritten(ledger.path)
  }

  it('F2: kill -9 of the leader in mid-wave: the other goes on with the rollout, and with the one history at the remote', async () => {
    const leader = await replicas.untilLed()
    await assertPushed(leader)
    const heir = replicas.others(leader)[0]!
    const { commit, id } = await agents.sayMidWave(fleet, leader, 'two')
    await leader.kill()
    await untilLedAmong([heir])
    const ended = await waitForRollout(heir.api, 'web', 'Succeeded', { commit })
    assert.equal(ended.id, id)
    assert.deepEqual(agents.texts(), ['two', 'two', 'two'])
    await assertPushed(heir)
    await leader.start()
  })

  it('F11: Redis emptied and the leader lost with its disk, in mid-wave: the other goes on from the remote', async () => {
    const leader = await replicas.untilLed()
    const heir = replicas.others(leader)[0]!
    await until(
      async () =>
        (await readFile(join(heir.data, 'ledger', 'ledger.jsonl'), 'utf8')) ===
        (await readFile(join(leader.data, 'ledger', 'ledger.jsonl'), 'utf8')),
      { deadlineMs: 20_000, what: 'the other to have caught up' },
    )
    const { commit, id } = await agents.sayMidWave(fleet, leader, 'three')
    await until(
      async () => (await readRemoteLedger(ledger.path)).some((line) => line.includes(id)),
      {
        deadlineMs: 60_000,
        what: 'the rollout to be at the remote',
      },
    )
    process.kill(heir.process().pid, 'SIGSTOP')
    await leader.kill()
    await rm(join(leader.data, 'ledger'), { recursive: true })
    const pushed = await readRemoteLedger(ledger.path)
    const common = new Redis(redis.url)
    await common.flushall()
    common.disconnect()
    process.kill(heir.process().pid, 'SIGCONT')
    await untilLedAmong([heir])
    const ended = await waitForRollout(heir.api, 'web', 'Succeeded', { commit })
    assert.equal(ended.id, id)
    assert.deepEqual(agents.texts(), ['three', 'three', 'three'])
    await assertPushed(heir, false)
    assert.deepEqual((await readRemoteLedger(ledger.path)).slice(0, pushed.length), pushed)
    // The one whose disk is new has it all again, and stands by.
    await leader.start()
    await until(
      async () =>
        (await readFile(join(leader.data, 'ledger', 'ledger.jsonl'), 'utf8')) ===
        (await readFile(join(heir.data, 'ledger', 'ledger.jsonl'), 'utf8')),
      { deadlineMs: 20_000, what: 'the new disk to have all' },
    )
  })
})
