import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createIdempotencyStore } from '../../hub/api/redis.ts'
import {
  assertNoOther,
  connectRedis,
  judgeRefusal,
  markAlive,
  translateRedis,
} from '../../hub/redis.ts'
import { createEventLog } from '../../hub/status/redis-events.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

describe('connectRedis', () => {
  // Found by the first run of a whole fleet: the deadline of the first answer cut a good connection.
  it('keeps a connection past the time it had to come up', async () => {
    await using server = await startRedis()
    const timeout = 150
    const redis = await connectRedis(server.url, undefined, timeout)
    const connected = performance.now()
    await until(() => performance.now() - connected > timeout * 2, {
      deadlineMs: 5_000,
      what: 'the deadline to be past',
    })
    assert.equal(await redis.ping(), 'PONG')
    redis.disconnect()
  })

  it('says where nothing answers, and what to do, without the password', async () => {
    await assert.rejects(connectRedis('redis://:hidden@127.0.0.1:1', undefined, 200), {
      code: 'redis_unavailable',
      message:
        'Redis does not answer at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1; is it running, and is --redis right?',
    })
  })

  it('is called away by what is asked of it, by the log of events and by keys of requests', async () => {
    await using server = await startRedis()
    const redis = await connectRedis(server.url)
    const events = createEventLog(redis, 'gs:{away}', () => {})
    await server.kill()
    await until(() => redis.status !== 'ready', { deadlineMs: 5_000, what: 'the connection to go' })
    const away = { code: 'redis_unavailable', message: 'Redis is away' }
    await assert.rejects(translateRedis(redis.get('x')), away)
    await assert.rejects(events.read({ after: null, limit: 1 }), away)
    await assert.rejects(events.read({ after: '0', limit: 1 }), away)
    await assert.rejects(createIdempotencyStore(redis, 'gs:{away}').claim('k', 'a'), away)
    redis.disconnect()
  })
})

describe('a Redis that takes no writes', () => {
  it('T32: is not meant by a mark of another kind, which is as good as lost', async () => {
    await using server = await startRedis()
    const redis = await connectRedis(server.url)
    await redis.sadd('gs:{turned}:alive', 'noise')
    assert.equal(await markAlive(redis, 'gs:{turned}', 'sha256:one'), 'lost')
    assert.equal(await markAlive(redis, 'gs:{turned}', 'sha256:one'), 'kept')
    redis.disconnect()
  })

  it('is told by its word, also of a script; one that was emptied by its mark', async () => {
    await using server = await startRedis()
    const redis = await connectRedis(server.url)
    assert.equal(await markAlive(redis, 'gs:{full}', 'sha256:one'), 'lost')
    assert.equal(await markAlive(redis, 'gs:{full}', 'sha256:one'), 'kept')
    const script = () => redis.eval("redis.call('SET', KEYS[1], '1')", 1, 'gs:{full}:x')
    const asked = [
      () => markAlive(redis, 'gs:{full}', 'sha256:one'),
      () => redis.set('x', '1'),
      script,
    ]
    const turns = [
      [() => redis.config('SET', 'maxmemory', '1'), () => redis.config('SET', 'maxmemory', '0')],
      [
        () => redis.config('SET', 'min-replicas-to-write', '1'),
        () => redis.config('SET', 'min-replicas-to-write', '0'),
      ],
      [() => redis.replicaof('127.0.0.1', 1), () => redis.replicaof('NO', 'ONE')],
    ] as const
    for (const [refuse, take] of turns) {
      await refuse()
      for (const ask of asked) {
        const error: unknown = await ask().then(
          () => undefined,
          (cause: unknown) => cause,
        )
        assert.equal(judgeRefusal(error), 'refused', String(error))
      }
      await take()
    }
    await redis.flushall()
    assert.equal(await markAlive(redis, 'gs:{full}', 'sha256:one'), 'lost')
    redis.disconnect()
  })
})

describe('a Redis in which a hub is at work', () => {
  it('T32: is refused to a hub of another fleet for a minute, and to none for what no hub wrote', async () => {
    await using server = await startRedis()
    const redis = await connectRedis(server.url)
    const [key, prefix] = ['gs:{one}:alive', 'gs:{one}']
    const refusal = { code: 'redis_refused', message: /--name or --redis.*again in a minute/ }
    await assertNoOther(redis, prefix, 'sha256:one')
    await markAlive(redis, prefix, 'sha256:one')
    await assertNoOther(redis, prefix, 'sha256:one')
    await assertNoOther(redis, 'gs:{two}', 'sha256:two')
    await assert.rejects(assertNoOther(redis, prefix, 'sha256:two'), refusal)
    const seconds = await redis.ttl(key)
    assert(seconds > 0 && seconds <= 60, String(seconds))
    const mark = (await redis.get(key))!
    // What a release before wrote, and noise.
    for (const text of ['1', '', 'noise', mark.replace('one', 'onf'), `${mark} `]) {
      await redis.set(key, text)
      await assertNoOther(redis, prefix, 'sha256:two')
    }
    await redis.del(key)
    await redis.sadd(key, mark)
    await assertNoOther(redis, prefix, 'sha256:two')
    redis.disconnect()
  })
})
