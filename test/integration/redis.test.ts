import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createIdempotencyStore } from '../../hub/api/redis.ts'
import { connectRedis, translateRedis } from '../../hub/redis.ts'
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
