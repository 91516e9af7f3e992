import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectRedis } from '../../hub/redis.ts'
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

  it('says so when nothing answers', async () => {
    await assert.rejects(connectRedis('redis://127.0.0.1:1', undefined, 200), {
      code: 'redis_unavailable',
    })
  })
})
