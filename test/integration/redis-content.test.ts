import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { createContentStore } from '../../hub/bundle/redis.ts'
import { connectRedis } from '../../hub/redis.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

describe('content in Redis', () => {
  let server: TestRedis
  let redis: Awaited<ReturnType<typeof connectRedis>>
  let now = 1_000
  const blob = (text: string) => ({ digest: digestOf(text), bytes: Buffer.from(text) })

  before(async () => {
    server = await startRedis()
    redis = await connectRedis(server.url)
  })

  after(async () => {
    redis.disconnect()
    await server.stop()
  })

  it('gives back what was put, small and large, in the order asked', async () => {
    const store = createContentStore(redis, 'order', () => now)
    const blobs = [blob('small'), blob('large '.repeat(50_000)), blob('')]
    await store.put(blobs)
    const again = createContentStore(redis, 'order', () => now)
    const wanted = [...blobs].reverse().map(({ digest }) => digest)
    const found = await again.get([...wanted, digestOf('absent')])
    assert.deepEqual(
      found.map((bytes) => bytes && digestOf(bytes)),
      [...wanted, undefined],
    )
    assert.deepEqual(await again.missing([digestOf('absent'), wanted[0]!]), [digestOf('absent')])
  })

  it('reads a blob once, however many want it at the same moment', async () => {
    const blobs = [blob('shared '.repeat(500)), blob('other '.repeat(500))]
    await createContentStore(redis, 'once', () => now).put(blobs)
    const store = createContentStore(redis, 'once', () => now)
    const reads = async () =>
      Number(/^cmdstat_mget:calls=(\d+)/m.exec(await redis.info('commandstats'))?.[1] ?? 0)
    const before = await reads()
    const both = blobs.map(({ digest }) => digest)
    const answers = await Promise.all([store.get(both), store.get([both[1]!]), store.get(both)])
    assert.deepEqual(
      answers.map((found) => found.map((bytes) => bytes && digestOf(bytes))),
      [both, [both[1]], both],
    )
    assert.equal((await reads()) - before, 1)
  })

  it('T6: gives out nothing that was changed, and takes it for missing from then on', async () => {
    const blobs = ['flipped', 'other blob', 'noise', 'other type'].map((text) =>
      blob(`${text} `.repeat(100)),
    )
    const digests = blobs.map(({ digest }) => digest)
    await createContentStore(redis, 'changed', () => now).put(blobs)
    const key = (at: number) => `changed:content:${digests[at]}`
    await redis.copy(key(1), key(0), 'REPLACE')
    await redis.set(key(2), Buffer.from([1, 2, 3]))
    await redis.del(key(3))
    await redis.rpush(key(3), 'not a string')
    const store = createContentStore(redis, 'changed', () => now)
    const found = await store.get(digests)
    assert.deepEqual(
      found.map((bytes) => bytes !== undefined),
      [false, true, false, false],
    )
    const lost = digests.filter((_, at) => at !== 1)
    assert.deepEqual(await store.missing(digests), lost)
    await store.put(blobs)
    assert.deepEqual(await store.missing(digests), [])
  })

  it('T32: sweeps by an index that it begins anew where somebody made it into something else', async () => {
    const [before, after, kept] = ['before', 'after', 'kept'].map(blob)
    const store = createContentStore(redis, 'index', () => now)
    await store.put([before!])
    await redis.del('index:content')
    await redis.sadd('index:content', 'noise')
    assert.equal(await store.sweep(new Set(), 0), 0)
    await store.put([before!, after!, kept!])
    now += 10
    assert.equal(await store.sweep(new Set([kept!.digest]), 5), 2)
    assert.deepEqual(await redis.keys('index:content:*'), [`index:content:${kept!.digest}`])
  })

  it('sweeps what is old and not kept, and nothing else', async () => {
    const store = createContentStore(redis, 'sweep', () => now)
    now = 0
    await store.put([blob('kept'), blob('old'), blob('wanted anew')])
    now = 10_000
    await store.put([blob('young'), blob('wanted anew')])
    assert.equal(await store.sweep(new Set([digestOf('kept')]), 5_000), 1)
    const names = ['kept', 'old', 'young', 'wanted anew'].map((text) => digestOf(text))
    assert.deepEqual(await store.missing(names), [digestOf('old')])
  })
})
