import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { HubError } from '../../hub/errors.ts'
import { emptyChain, followChain } from '../../hub/ledger/chain.ts'
import { assertSameFleet } from '../../hub/replica/redis.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { type TestReplica, startReplica, untilLed } from '../support/replica-set.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* Long enough that no busy machine takes it from who is awake. */
const leaseMs = 1_000

describe('replicas that share a Redis, of which one leads', () => {
  let server: TestRedis
  let redis: Redis
  let directory: TempDir
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
    directory = await createTempDir('replicas')
    worlds += 1
    for (const name of names) replicas.push(await join(name))
    return replicas
  }

  function join(name: string): Promise<TestReplica> {
    return startReplica(server.url, directory.path, name, leaseMs, `gs:{world-${worlds}}`)
  }

  async function endAll(): Promise<void> {
    for (const replica of replicas) await replica.close()
    replicas = []
    await directory?.remove()
  }

  /** @param kept what has to be in them */
  async function untilAlike(
    all: readonly TestReplica[],
    kept: readonly string[] = [],
  ): Promise<string[]> {
    return until(
      async () => {
        const ledgers = await Promise.all(all.map((one) => one.readLedger()))
        const texts = new Set(ledgers.map((lines) => lines.join('\n')))
        const found = new Set(revisions(ledgers[0]!))
        if (texts.size === 1 && kept.every((text) => found.has(text))) return ledgers[0]!
        throw new Error(`their lengths are ${ledgers.map(({ length }) => length).join()}`)
      },
      { deadlineMs: 10_000, what: 'all ledgers to be alike' },
    )
  }

  function revisions(lines: readonly string[]): string[] {
    return lines.flatMap((line) => {
      const { decision } = JSON.parse(line) as { decision: { type: string; revision: string } }
      return decision.type === 'fleet.accepted' ? [decision.revision] : []
    })
  }

  it('what the leader decides is on the disks of all, byte for byte', async () => {
    const all = await start('a', 'b', 'c')
    const leader = await untilLed(all)
    for (let at = 0; at < 20; at += 1) await leader.decide(`decision ${at}`)
    const lines = await untilAlike(all)
    assert.equal(revisions(lines).length, 20)
    assert.equal(all.filter(({ leading }) => leading).length, 1)
  })

  it('F3: a leader that slept past its lease is fenced: nothing it decides counts', async () => {
    const all = await start('a', 'b')
    const old = await untilLed(all)
    await old.decide('before')
    old.paused = true
    const other = await untilLed(all.filter((one) => one !== old))
    await other.decide('by the new leader')
    // Its own idea of the time does not matter: the script refuses an older term.
    const late = old.decide('too late')
    await assert.rejects(late, (error) => error instanceof HubError && error.code === 'no_leader')
    old.paused = false
    const lines = await untilAlike(all)
    assert.deepEqual(revisions(lines), ['before', 'by the new leader'])
  })

  it('F12: with the leader gone, a Redis that took over with an earlier time keeps its lease no longer than a whole one', async () => {
    const all = await start('a', 'b')
    const leader = await untilLed(all)
    await leader.decide('before')
    await untilAlike(all)
    leader.paused = true
    // As it stands for a Redis whose time is an hour behind.
    const [key, seconds] = [`gs:{world-${worlds}}:ledger`, await redis.time()]
    const ahead = Number(seconds[0]) * 1_000 + 3_600_000
    await redis.hset(`${key}:lease`, 'until', ahead)
    const gone = await redis.hget(`${key}:lease`, 'holder')
    await redis.hset(`${key}:replicas`, gone!, `99 ${ahead}`)
    const heir = await untilLed(all.filter((one) => one !== leader))
    await heir.decide('by the heir')
    leader.paused = false
    assert.deepEqual(revisions(await untilAlike(all)), ['before', 'by the heir'])
  })

  it('F11: an emptied Redis is filled again by the live leader, in the same term', async () => {
    const all = await start('a', 'b')
    const leader = await untilLed(all)
    await leader.decide('before')
    const { term } = leader.register.state
    await redis.flushall()
    await until(async () => leader.decide('after').then(() => true), {
      deadlineMs: 5_000,
      what: 'the leader to decide again',
    })
    const lines = await untilAlike(all)
    assert.deepEqual(revisions(lines), ['before', 'after'])
    assert.equal(leader.register.state.term, term)
    assert(leader.replica.leads())
  })

  it('F11: Redis emptied with the leader gone: another goes on in a higher term', async () => {
    const all = await start('a', 'b')
    const leader = await untilLed(all)
    await leader.decide('before')
    await untilAlike(all)
    const { term } = leader.register.state
    leader.paused = true
    await redis.flushall()
    const heir = await untilLed(all.filter((one) => one !== leader))
    assert(heir.register.state.term > term)
    leader.paused = false
    assert.deepEqual(revisions(await untilAlike(all)), ['before'])
  })

  it('F11: one that slept since Redis was new does not lead at once when it wakes in an emptied one', async () => {
    const all = await start('a', 'b')
    for (const one of all) one.paused = true
    await redis.flushall()
    const sleeper = all[1]!
    // It sees an empty Redis for the first time, and sleeps on.
    sleeper.paused = false
    const key = `gs:{world-${worlds}}:ledger:replicas`
    await until(async () => (await redis.hlen(key)) > 0, { deadlineMs: 5_000, what: 'it to look' })
    sleeper.paused = true
    all[0]!.paused = false
    const leader = await untilLed([all[0]!])
    await leader.decide('while it slept')
    await redis.flushall()
    sleeper.paused = false
    assert.deepEqual(revisions(await untilAlike(all)), ['while it slept'])
    assert.deepEqual(
      all.map(({ failed }) => failed),
      [undefined, undefined],
    )
  })

  it('one that was away for long is given what it lacks', async () => {
    const all = await start('a', 'b')
    const leader = await untilLed(all)
    const decisions = Array.from({ length: 1_500 }, (_, at) => leader.decide(`decision ${at}`))
    await Promise.all(decisions)
    replicas.push(await join('late'))
    const lines = await untilAlike(replicas)
    assert.equal(revisions(lines).length, 1_500)
  })

  it('refuses by name a ledger that is not the common one, and leaves it as it is', async () => {
    const all = await start('a')
    const leader = await untilLed(all)
    await leader.decide('ours')
    await redis.flushall()
    const [stranger] = [await startReplica(server.url, directory.path, 'x', leaseMs, 'gs:{other}')]
    await until(() => stranger.leading, { deadlineMs: 5_000, what: 'the stranger to lead alone' })
    await stranger.decide('theirs')
    await stranger.close()
    const before = await stranger.readLedger()
    const back = await join('x')
    replicas.push(back)
    await until(() => back.failed, { deadlineMs: 5_000, what: 'it to be refused' })
    assert.equal(back.failed, 'ledger_diverged')
    assert.deepEqual(await back.readLedger(), before)
  })

  it('takes no line that only Redis says, and decides nothing on top of it', async () => {
    const all = await start('a', 'b')
    const leader = await untilLed(all)
    await leader.decide('ours')
    await untilAlike(all)
    const key = `gs:{world-${worlds}}:ledger`
    const line = await redis.lindex(`${key}:lines`, -1)
    await redis
      .multi()
      .rpush(`${key}:lines`, line!.replace('ours', 'evil'))
      .hincrby(`${key}:head`, 'index', 1)
      .exec()
    await assert.rejects(leader.decide('on top'), /leads no more/)
    await redis.flushall()
    const next = await untilLed(all)
    await next.decide('later')
    assert.deepEqual(revisions(await untilAlike(all)), ['ours', 'later'])
  })

  const spoils: Record<string, (key: string, type: string) => Promise<unknown>> = {
    gone: (key) => redis.del(key),
    // In one step: whoever leads writes the key anew as soon as it is gone.
    'another kind': (key) => redis.multi().del(key).sadd(key, 'noise').exec(),
    noise(key, type) {
      const anew = redis.multi().del(key)
      if (type === 'list') return anew.rpush(key, 'noise').exec()
      const fields = ['holder', 'term', 'until', 'index', 'digest']
      return anew.hset(key, Object.fromEntries(fields.map((field) => [field, 'noise']))).exec()
    },
  }
  const kinds = { lease: 'hash', head: 'hash', lines: 'list', replicas: 'hash', page: 'list' }

  for (const [way, spoil] of Object.entries(spoils)) {
    it(`T32: a leader goes on with any key ${way}, and all follow`, async () => {
      const all = await start('a', 'b')
      const said: string[] = []
      for (const [name, type] of Object.entries(kinds)) {
        const leader = await untilLed(all)
        const follower = all.find((one) => one !== leader)!
        follower.paused = true
        const text = `before ${name}`
        await leader.decide(text)
        await spoil(`gs:{world-${worlds}}:ledger:${name}`, type)
        follower.paused = false
        said.push(text)
        await untilAlike(all, said)
        const decide = async (): Promise<boolean> => {
          await (await untilLed(all)).decide(`after ${name}`)
          return true
        }
        await until(decide, { deadlineMs: 10_000, what: `a decision after ${name}` })
        said.push(`after ${name}`)
        await untilAlike(all, said)
      }
      assert.deepEqual(
        all.map(({ failed }) => failed),
        [undefined, undefined],
      )
    })

    it(`T32: with the leader gone and any key ${way} another leads, in a higher term`, async () => {
      const all = await start('a', 'b')
      for (const [name, type] of Object.entries(kinds)) {
        const leader = await untilLed(all)
        const { term } = leader.register.state
        await leader.decide(`before ${name}`)
        await untilAlike(all)
        leader.paused = true
        await spoil(`gs:{world-${worlds}}:ledger:${name}`, type)
        const heir = await untilLed(all.filter((one) => one !== leader))
        assert(heir.register.state.term > term, name)
        await heir.decide(`by the heir, ${name}`)
        leader.paused = false
        const lines = revisions(await untilAlike(all))
        assert.deepEqual(lines.slice(-2), [`before ${name}`, `by the heir, ${name}`])
      }
    })
  }

  it('T32: a term that no fleet gets to is nobody’s: all go on, and it gets into no ledger', async () => {
    const all = await start('a', 'b')
    for (const far of ['999999999999999', '9007199254740991']) {
      const forge = () => redis.hset(`gs:{world-${worlds}}:ledger:lease`, 'term', far)
      const leader = await untilLed(all)
      const { term } = leader.register.state
      await leader.decide(`before ${far}`)
      await forge()
      await leader.decide(`still ${far}`)
      assert.equal(leader.register.state.term, term, 'it leads on')
      await untilAlike(all)
      leader.paused = true
      await forge()
      const heir = await untilLed(all.filter((one) => one !== leader))
      assert.equal(heir.register.state.term, term + 1)
      leader.paused = false
      await untilAlike(all)
    }
  })

  it('replicas of another CA do not start', async () => {
    await assertSameFleet(redis, 'gs:{ca}', { CA: 'sha256:one' })
    await assertSameFleet(redis, 'gs:{ca}', { CA: 'sha256:one' })
    await assert.rejects(
      assertSameFleet(redis, 'gs:{ca}', { CA: 'sha256:two' }),
      /another CA \(sha256:one\).*delete gs:\{ca\}:ledger:fleet in Redis/,
    )
    await redis.del('gs:{ca}:ledger:fleet')
    await redis.sadd('gs:{ca}:ledger:fleet', 'noise')
    await assertSameFleet(redis, 'gs:{ca}', { CA: 'sha256:two' })
  })

  it('I1, I6: whoever sleeps, wakes or loses Redis, there is one chain and it has all that was acknowledged', async (t) => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('decide' as const), who: fc.nat(2) }) },
      { weight: 8, arbitrary: fc.record({ do: fc.constant('lead' as const), who: fc.nat(2) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('pause' as const), who: fc.nat(2) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('wake' as const), who: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const), who: fc.nat(2) }) },
    )
    let acknowledged = 0
    let refused = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 16 }), async (steps) => {
        const all = await start('a', 'b', 'c')
        const kept: string[] = []
        try {
          await untilLed(all)
          let count = 0
          for (const { do: what, who } of steps) {
            const one = what === 'lead' ? await untilLed(all) : all[who]!
            if (what === 'pause' && all.filter(({ paused }) => !paused).length > 1) {
              // An emptied Redis and a leader that dies before anybody has its last word is two faults.
              await untilAlike(all.filter(({ paused }) => !paused))
              one.paused = true
            }
            if (what === 'wake') one.paused = false
            if (what === 'flush') {
              // One that was paused may have decided once more, in what was left of its lease.
              await untilAlike(
                all.filter(({ paused }) => !paused),
                kept,
              )
              await redis.flushall()
            }
            if (what !== 'decide' && what !== 'lead') continue
            const text = `decision ${(count += 1)}`
            await one.decide(text).then(
              () => kept.push(text),
              () => {
                refused += 1
              },
            )
          }
          for (const one of all) one.paused = false
          await untilLed(all)
          const lines = await untilAlike(all)
          let head = emptyChain
          for (const line of lines) head = followChain(head, line).head
          const found = revisions(lines)
          for (const text of kept) assert(found.includes(text), `${text} was lost`)
          assert.equal(new Set(found).size, found.length)
          assert.deepEqual(
            all.map(({ failed }) => failed),
            [undefined, undefined, undefined],
          )
          acknowledged += kept.length
        } finally {
          await endAll()
        }
      }),
      { numRuns: 8, endOnFailure: true },
    )
    t.diagnostic(`${acknowledged} decisions acknowledged, ${refused} refused`)
    assert(acknowledged > 0)
  })
})
