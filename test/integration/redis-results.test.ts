import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { digestOf } from '@groundswell/proto/digest.ts'
import { createResultsReader, createResultsStore } from '../../hub/receipt/fs.ts'
import { createSharedResults } from '../../hub/receipt/redis.ts'
import { shareResults } from '../../hub/receipt/results.ts'
import { connectRedis } from '../../hub/redis.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import { createTempDir } from '../support/temp-dir.ts'

const bytesOf = (name: string) => Buffer.from(JSON.stringify([{ object: name, result: 'applied' }]))

describe('results of receipts that replicas share', () => {
  let redis: TestRedis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis[Symbol.asyncDispose]())

  /** A replica with a disk of its own. */
  async function replica(prefix: string, limits?: { entries: number; bytes: number }) {
    const directory = await createTempDir('results')
    const client = await connectRedis(redis.url)
    let now = 0
    const shared = createSharedResults(client, prefix, () => (now += 1), limits)
    const errors: unknown[] = []
    const own = {
      store: createResultsStore(directory.path),
      read: createResultsReader(directory.path),
    }
    return {
      ...{ client, errors },
      ...shareResults(own, shared, (error) => errors.push(error)),
      async [Symbol.asyncDispose]() {
        client.disconnect()
        await directory[Symbol.asyncDispose]()
      },
    }
  }
  const one = bytesOf('one')
  const digest = digestOf(one)

  it('are read by one that did not take them', async () => {
    await using taker = await replica('shared')
    await using other = await replica('shared')
    assert.equal(await other.read(digest), undefined)
    await taker.store(new Map([[digest, one]]))
    assert.deepEqual(Buffer.from((await other.read(digest))!), one)
    assert.deepEqual([taker.errors, other.errors], [[], []])
  })

  it('T32: are nothing once somebody put another in their place', async () => {
    await using taker = await replica('forged')
    await using other = await replica('forged')
    await taker.store(new Map([[digest, one]]))
    for (const lie of [
      gzipSync(bytesOf('two')),
      Buffer.from('no gzip'),
      gzipSync(Buffer.alloc(9e6)),
    ]) {
      await taker.client.hset('forged:receipt-results', digest, lie)
      assert.equal(await other.read(digest), undefined)
    }
    assert.deepEqual(Buffer.from((await taker.read(digest))!), one)
  })

  it('T32: are shared again after somebody made what they are kept in into something else', async () => {
    await using taker = await replica('turned')
    await using other = await replica('turned')
    const all = new Map([[digest, one]])
    for (const key of ['turned:receipt-results', 'turned:receipt-results:by-age']) {
      await taker.client.del(key)
      await taker.client.sadd(key, 'noise')
      await taker.store(all)
      await taker.store(all)
      assert.deepEqual(Buffer.from((await other.read(digest))!), one)
    }
    assert.deepEqual([taker.errors, other.errors], [[], []])
  })

  it('are the newest, and none that is long; the disk has the others', async () => {
    const limits = { entries: 3, bytes: 200 }
    await using taker = await replica('bounded', limits)
    await using other = await replica('bounded', limits)
    const all = ['a', 'b', 'c', 'd', 'e'].map(bytesOf)
    for (const bytes of all) await taker.store(new Map([[digestOf(bytes), bytes]]))
    const long = Buffer.from(Array.from({ length: 500 }, (_, at) => digestOf(String(at))).join())
    await taker.store(new Map([[digestOf(long), long]]))
    const found = async (bytes: Uint8Array) => (await other.read(digestOf(bytes))) !== undefined
    assert.deepEqual(await Promise.all([...all, long].map(found)), [
      ...[false, false, true, true, true],
      false,
    ])
    assert.equal(await taker.client.zcard('bounded:receipt-results:by-age'), 3)
    assert.ok(await taker.read(digestOf(long)))
  })

  it('are kept by their taker, and missing elsewhere, while Redis is away', async () => {
    await using taker = await replica('away')
    await using other = await replica('away')
    taker.client.disconnect()
    await taker.store(new Map([[digest, one]]))
    assert.deepEqual(Buffer.from((await taker.read(digest))!), one)
    assert.equal(taker.errors.length, 1)
    assert.equal(await other.read(digest), undefined)
  })
})
