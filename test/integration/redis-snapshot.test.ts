import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../hub/errors.ts'
import { connectRedis } from '../../hub/redis.ts'
import { createSnapshotStore } from '../../hub/sync/redis.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'

describe('signed snapshots in Redis', () => {
  let server: TestRedis
  let redis: Awaited<ReturnType<typeof connectRedis>>
  const snapshot = (sequence: number, text = '') => ({
    epoch: 1,
    sequence,
    digest: digestOf(`${sequence}${text}`),
    applications: digestOf('applications'),
    expiresAt: 2_000_000_000,
    envelope: Buffer.from([0, 255, sequence]),
  })

  async function countScripts(): Promise<number> {
    const stats = await redis.info('commandstats')
    return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(stats)?.[1] ?? 0)
  }

  before(async () => {
    server = await startRedis()
    redis = await connectRedis(server.url)
  })

  after(async () => {
    redis.disconnect()
    await server.stop()
  })

  it('gives back what was put', async () => {
    const store = createSnapshotStore(redis, 'back')
    assert.equal(await store.get('a'), undefined)
    assert.equal(await store.put('a', snapshot(1), undefined), true)
    assert.deepEqual(await store.get('a'), snapshot(1))
    const ledger = { index: 12, digest: digestOf('line 12') }
    await store.put('a', { ...snapshot(2), ledger }, snapshot(1))
    assert.deepEqual(await store.get('a'), { ...snapshot(2), ledger })
    await redis.hset('back:snapshot:a', 'ledger', '12 by hand')
    assert.deepEqual(await store.get('a'), snapshot(2))
  })

  it('I3: of two hubs that sign after the same one, the second is refused', async () => {
    const [one, two] = [createSnapshotStore(redis, 'race'), createSnapshotStore(redis, 'race')]
    await one.put('a', snapshot(1), undefined)
    const last = await two.get('a')
    assert.equal(await one.put('a', snapshot(2, 'one'), last), true)
    assert.equal(await two.put('a', snapshot(2, 'two'), last), false)
    assert.equal(await two.put('a', snapshot(1, 'two'), undefined), false)
    assert.deepEqual(await two.get('a'), snapshot(2, 'one'))
  })

  it('I3, F3: what a replica had signed before another led is not written, and so never sent', async () => {
    const [old, heir] = [5, 6].map((term) => createSnapshotStore(redis, 'terms', () => term))
    const lease = (term: number) =>
      redis.hset('terms:ledger:lease', { holder: 'x', term, until: 1 })
    // Redis is empty, or knows the term it leads in.
    assert.equal(await old!.put('a', snapshot(1), undefined), true)
    await lease(5)
    const last = await old!.get('a')
    assert.equal(await old!.put('a', snapshot(2), last), true)
    await lease(6)
    for (const before of [await old!.get('a'), last]) {
      const late = old!.put('a', snapshot(3, 'late'), before)
      await assert.rejects(late, (error) => error instanceof HubError && error.code === 'no_leader')
    }
    assert.deepEqual(await heir!.get('a'), snapshot(2))
    assert.equal(await heir!.put('a', snapshot(3), await heir!.get('a')), true)
  })

  it('I3: writes what is put together by few commands, and judges each record by itself', async () => {
    const store = createSnapshotStore(redis, 'many')
    await store.put('7', snapshot(1), undefined)
    const before = await countScripts()
    const ids = Array.from({ length: 300 }, (_, at) => `${at}`)
    const done = await Promise.all(ids.map((id) => store.put(id, snapshot(2, id), undefined)))
    assert.equal((await countScripts()) - before, 3)
    assert.deepEqual(
      ids.filter((_, at) => !done[at]),
      ['7'],
    )
    for (const id of ids) {
      assert.deepEqual(await store.get(id), id === '7' ? snapshot(1) : snapshot(2, id))
    }
  })

  it('T32: takes a record that was made unreadable for lost, and writes it anew', async () => {
    const store = createSnapshotStore(redis, 'changed')
    const spoil: ((key: string) => Promise<unknown>)[] = [
      (key) => redis.hset(key, 'digest', 'noise'),
      (key) => redis.hdel(key, 'envelope'),
      (key) => redis.set(key, 'noise'),
      (key) => redis.del(key).then(() => redis.rpush(key, 'noise')),
    ]
    for (const [index, change] of spoil.entries()) {
      await store.put('a', snapshot(index + 1), await store.get('a'))
      await change('changed:snapshot:a')
      assert.equal(await store.get('a'), undefined)
      assert.equal(await store.put('a', snapshot(index + 1), undefined), true)
      assert.deepEqual(await store.get('a'), snapshot(index + 1))
    }
  })

  it('T32: counts no sequence of another cluster, nor one that no hub wrote', async () => {
    const store = createSnapshotStore(redis, 'counted')
    await store.put('b', snapshot(900), undefined)
    const [key, theirs] = ['counted:snapshot:a', 'counted:snapshot:b']
    const spoil: (() => Promise<unknown>)[] = [
      () => redis.copy(theirs, key, 'REPLACE'),
      () => redis.hset(key, 'sequence', '1e9'),
      () => redis.hset(key, 'sequence', '9'.repeat(16)),
    ]
    for (const [at, change] of spoil.entries()) {
      await redis.del(key)
      await store.put('a', snapshot(5), undefined)
      await change()
      const last = await store.get('a')
      assert.equal(last?.sequence, NaN, `spoilt ${at}`)
      assert.equal(await store.put('a', snapshot(6), last), true, `spoilt ${at}`)
      assert.deepEqual(await store.get('a'), snapshot(6))
    }
  })
})
