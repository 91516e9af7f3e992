import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createIdempotencyStore } from '../../hub/api/redis.ts'
import { connectRedis } from '../../hub/redis.ts'
import { startRedis } from '../support/redis.ts'

it('B78: of many who name one key at once one goes on, in Redis; it is forgotten in a day', async () => {
  await using server = await startRedis()
  const redis = await connectRedis(server.url, () => {})
  try {
    const store = createIdempotencyStore(redis, 'gs:{t}')
    const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim('k', 'asked')))
    assert.equal(claims.filter((one) => one === null).length, 1)
    assert(claims.every((one) => one === null || (one.asked === 'asked' && one.answer === null)))
    await store.settle('k', { asked: 'asked', answer: { status: 201, body: '{}' } })
    const again = await store.claim('k', 'other')
    assert.deepEqual(again, { asked: 'asked', answer: { status: 201, body: '{}' } })
    const ttl = await redis.ttl('gs:{t}:idempotency:k')
    assert(ttl > 86_000 && ttl <= 86_400, String(ttl))
    await store.release('k')
    assert.equal(await store.claim('k', 'other'), null)
    // What somebody else wrote answers nobody.
    for (const text of ['{', '7', '{"asked":"x","answer":{"status":500,"body":""}}', '[]']) {
      await redis.set('gs:{t}:idempotency:k', text)
      assert.equal((await store.claim('k', 'x'))?.answer, null, text)
    }
  } finally {
    redis.disconnect()
  }
})
