import assert from 'node:assert/strict'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { assertNothingRewritten, gitIn, readRemoteLedger } from '../support/ledger-branch.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { type TestReplica, startReplica, untilLed } from '../support/replica-set.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const leaseMs = 1_200
/** A leader asks the remote first. */
const ledWithinMs = 15_000
const away = '.away'

describe('replicas that push to one remote', () => {
  let server: TestRedis
  let redis: Redis
  let directory: TempDir
  let remote = ''
  let replicas: TestReplica[] = []
  let worlds = 0

  before(async () => {
    server = await startRedis()
    redis = new Redis(server.url)
  })
  after(async () => {
    redis.disconnect()
    await server.stop()
  })
  afterEach(() => endAll())

  async function start(...names: readonly string[]): Promise<TestReplica[]> {
    directory = await createTempDir('replica-remote')
    worlds += 1
    remote = join(directory.path, 'remote.git')
    await gitIn(directory.path, 'init', '--quiet', '--bare', 'remote.git')
    for (const name of names) replicas.push(await enter(name))
    return replicas
  }

  function enter(name: string): Promise<TestReplica> {
    return startReplica(
      ...([server.url, directory.path, name, leaseMs, `gs:{remote-${worlds}}`, remote] as const),
    )
  }

  async function endAll(): Promise<void> {
    for (const replica of replicas) await replica.close()
    replicas = []
    await directory?.remove()
  }

  async function untilPushed(leader: TestReplica): Promise<string[]> {
    return until(
      async () => {
        const [own, there] = [await leader.readLedger(), await readRemoteLedger(remote)]
        if (own.join('\n') === there.join('\n')) return own
        throw new Error(`${own.length} lines here, ${there.length} there`)
      },
      { deadlineMs: 15_000, what: 'the remote to have all' },
    )
  }

  function revisions(lines: readonly string[]): string[] {
    return lines.flatMap((line) => {
      const { decision } = JSON.parse(line) as { decision: { type: string; revision: string } }
      return decision.type === 'fleet.accepted' ? [decision.revision] : []
    })
  }

  const otherThan = (one: TestReplica): TestReplica => replicas.find((each) => each !== one)!

  it('who leads pushes, who follows adds nothing, and the next goes on from the same commits', async () => {
    const all = await start('a', 'b')
    const first = await untilLed(all, ledWithinMs)
    await first.decide('one')
    await untilPushed(first)
    const heir = otherThan(first)
    await assert.rejects(gitIn(join(directory.path, heir.name), 'rev-parse', 'HEAD'))
    first.paused = true
    await untilLed([heir], ledWithinMs)
    await heir.decide('two')
    assert.deepEqual(revisions(await untilPushed(heir)), ['one', 'two'])
    first.paused = false
    await until(async () => (await first.readLedger()).length === heir.register.head, {
      deadlineMs: 10_000,
      what: 'the first to follow',
    })
    await assertNothingRewritten(remote)
    const by = (await gitIn(remote, 'log', '--format=%an', 'groundswell-ledger')).split('\n')
    assert.deepEqual([...new Set(by)], [heir.name, first.name])
  })

  it('F11: Redis emptied and the leader gone with its disk: another goes on from what was pushed', async () => {
    const all = await start('a', 'b')
    const leader = await untilLed(all, ledWithinMs)
    const heir = otherThan(leader)
    await leader.decide('both have it')
    await until(() => heir.register.head === leader.register.head, {
      deadlineMs: 10_000,
      what: 'the other to have it',
    })
    heir.paused = true
    await leader.decide('only the remote has it')
    const pushed = await untilPushed(leader)
    leader.paused = true
    await leader.close()
    rmSync(join(directory.path, leader.name), { recursive: true })
    await redis.flushall()
    replicas = [heir]
    heir.paused = false
    await untilLed([heir], ledWithinMs)
    await heir.decide('later')
    const lines = await untilPushed(heir)
    assert.deepEqual(lines.slice(0, pushed.length), pushed)
    assert.deepEqual(revisions(lines), ['both have it', 'only the remote has it', 'later'])
    // And the one whose disk is new has it all again.
    const back = await enter(leader.name)
    replicas.push(back)
    await until(async () => (await back.readLedger()).length === heir.register.head, {
      deadlineMs: 10_000,
      what: 'the new disk to have all',
    })
    await assertNothingRewritten(remote)
  })

  it('a remote that is away holds up neither the leader nor who follows it, and has all once it is back', async () => {
    const all = await start('a', 'b')
    const first = await untilLed(all, ledWithinMs)
    await first.decide('one')
    await untilPushed(first)
    renameSync(remote, remote + away)
    await first.decide('two')
    await until(() => otherThan(first).register.head === first.register.head, {
      deadlineMs: 10_000,
      what: 'the other to have it',
    })
    first.paused = true
    const heir = await untilLed([otherThan(first)], ledWithinMs)
    await heir.decide('three')
    renameSync(remote + away, remote)
    await heir.decide('four')
    assert.deepEqual(revisions(await untilPushed(heir)), ['one', 'two', 'three', 'four'])
    await assertNothingRewritten(remote)
  })

  it('F11: with Redis emptied, the leader gone and the remote away nobody leads until one of them says what was decided', async () => {
    const all = await start('a', 'b')
    const leader = await untilLed(all, ledWithinMs)
    const heir = otherThan(leader)
    heir.paused = true
    await leader.decide('pushed')
    await untilPushed(leader)
    leader.paused = true
    renameSync(remote, remote + away)
    await redis.flushall()
    heir.paused = false
    const key = `gs:{remote-${worlds}}:ledger:replicas`
    await until(async () => (await redis.hlen(key)) > 0, { deadlineMs: 5_000, what: 'it to look' })
    await until(() => heir.logged.some((message) => message.startsWith('neither Redis nor')), {
      deadlineMs: 15_000,
      what: 'it to say that it waits',
    })
    assert(!heir.leading)
    renameSync(remote + away, remote)
    await untilLed([heir], ledWithinMs)
    assert.deepEqual(revisions(await untilPushed(heir)), ['pushed'])
  })

  it('a remote that has other decisions of the fleet is refused by name, and neither is changed', async () => {
    const all = await start('a', 'b')
    const leader = await untilLed(all, ledWithinMs)
    await leader.decide('ours')
    await untilPushed(leader)
    for (const one of all) await one.close()
    // Both went on from there, each without the other.
    const heir = otherThan(leader)
    await redis.flushall()
    renameSync(remote, remote + away)
    await gitIn(directory.path, 'clone', '--quiet', '--bare', remote + away, 'remote.git')
    replicas = [await enter(leader.name)]
    await untilLed(replicas, ledWithinMs)
    await replicas[0]!.decide('mine')
    await untilPushed(replicas[0]!)
    await replicas[0]!.close()
    await redis.flushall()
    rmSync(remote, { recursive: true })
    renameSync(remote + away, remote)
    const other = await enter(heir.name)
    replicas = [other]
    await untilLed(replicas, ledWithinMs)
    await other.decide('theirs')
    const theirs = await untilPushed(other)
    await other.close()
    await redis.flushall()
    const back = await enter(leader.name)
    replicas = [back]
    const before = await back.readLedger()
    await until(() => back.failed, { deadlineMs: 10_000, what: 'it to be refused' })
    assert.equal(back.failed, 'ledger_diverged')
    assert.deepEqual(await back.readLedger(), before)
    assert.deepEqual(await readRemoteLedger(remote), theirs)
  })
})
