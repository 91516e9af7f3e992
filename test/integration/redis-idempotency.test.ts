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
    await store.settle('k', { asked: 'asked', answer: { status: 201, body: '{}' } }, 'caller')
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
    await redis.del('gs:{t}:idempotency:k')
    await redis.sadd('gs:{t}:idempotency:k', 'text')
    assert.deepEqual(await store.claim('k', 'x'), { asked: '', answer: null })
  } finally {
    redis.disconnect()
  }
})

it('I9: of one caller no more answers are kept than the newest, of the rest that they were given; those of others stay', async () => {
  await using server = await startRedis()
  const redis = await connectRedis(server.url, () => {})
  try {
    const store = createIdempotencyStore(redis, 'gs:{t}')
    const answer = { status: 200, body: 'x'.repeat(1_000) }
    const give = async (key: string, caller: string): Promise<void> => {
      assert.equal(await store.claim(key, 'asked'), null)
      await store.settle(key, { asked: 'asked', answer }, caller)
    }
    await give('theirs', 'other')
    for (let at = 0; at < 300; at += 1) await give(`k${at}`, 'caller')
    const kept = await redis.keys('gs:{t}:idempotency:*')
    const sizes = await Promise.all(kept.map((key) => redis.strlen(key)))
    assert.equal(sizes.filter((size) => size > 1_000).length, 201)
    for (const key of ['theirs', 'k299', 'k100']) {
      assert.deepEqual(await store.claim(key, 'asked'), { asked: 'asked', answer })
    }
    const done = { asked: 'asked', answer: { status: 200, body: '' } }
    for (const key of ['k0', 'k99']) assert.deepEqual(await store.claim(key, 'asked'), done, key)
    for (const key of ['idempotency-of:caller', 'idempotency-done-of:caller', 'idempotency:k0']) {
      const ttl = await redis.ttl(`gs:{t}:${key}`)
      assert(ttl > 0 && ttl <= 86_400, `${key} ${ttl}`)
    }
    // Nor is that kept without end.
    const more = Array.from({ length: 4_950 }, (_, at) => `d${at}`)
    await redis.rpush('gs:{t}:idempotency-done-of:caller', ...more)
    await give('k300', 'caller')
    assert.deepEqual(await store.claim('k51', 'asked'), done)
    assert.equal(await store.claim('k50', 'asked'), null)
    // What somebody else wrote fails nobody's request.
    await redis.set('gs:{t}:idempotency-of:caller', 'text')
    for (const key of ['a', 'b']) await give(key, 'caller')
    assert.equal(await redis.llen('gs:{t}:idempotency-of:caller'), 1)
  } finally {
    redis.disconnect()
  }
})
