import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Redis } from 'ioredis'
import { HubError } from '../../hub/errors.ts'
import { assertNoEviction, connectRedis } from '../../hub/redis.ts'
import { toChange } from '../../hub/rollout/store/change.ts'
import { createRun } from '../../hub/rollout/plan/plan.ts'
import { createRolloutStore } from '../../hub/rollout/store/redis.ts'
import type { RolloutRun } from '../../hub/rollout/rollout.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { plan, wave } from '../unit/hub/rollout/world.ts'

let server: TestRedis
let redis: Redis
before(async () => {
  server = await startRedis()
  redis = await connectRedis(server.url)
})
after(async () => {
  redis.disconnect()
  await server.stop()
})

let fleets = 0
const openStore = () => createRolloutStore(redis, `fleet-${(fleets += 1)}`)

function rollout(id: string, application = 'shop', createdAt = 0) {
  const planned = { ...plan([wave('one', ['a', 'b'])]), id, application, createdAt }
  return { plan: planned, run: createRun(planned) }
}

const next = (run: RolloutRun, change: Partial<RolloutRun> = {}): RolloutRun => ({
  ...run,
  ...change,
  version: run.version + 1,
})

test('a rollout is read back as it was written', async () => {
  const store = openStore()
  const one = rollout('r1')
  assert.equal(await store.get('r1'), undefined)
  await store.put(one)
  assert.deepEqual(await store.get('r1'), one)
})

test('a plan is sent once, and a record that lost it asks for all of it again', async () => {
  const store = createRolloutStore(redis, 'plan-once')
  const { plan, run } = rollout('r1')
  await store.put({ plan, run })
  const moved = next(run, { message: 'moved' })
  assert.equal(await store.swap(plan, moved, toChange(run, moved)), 'done')
  assert.deepEqual(await store.get('r1'), { plan, run: moved })
  await redis.hdel('gs:{plan-once}:rollout:r1', 'plan')
  const again = next(moved)
  assert.equal(await store.swap(plan, again, toChange(moved, again)), 'behind')
  await store.put({ plan, run: again })
  assert.deepEqual(await store.get('r1'), { plan, run: again })
})

test('a run is written whole now and then, in between only what changed, and reads the same', async () => {
  const store = createRolloutStore(redis, 'changes')
  const names = Array.from({ length: 1_000 }, (_, at) => `cluster-${at}`)
  const planned = { ...plan([wave('one', names)]), id: 'r1' }
  let run = createRun(planned)
  await store.put({ plan: planned, run })
  let longest = 0
  for (const [at, name] of names.slice(0, 40).entries()) {
    const offered = { state: 'Offered', generation: at, offeredAt: at } as const
    const moved = next(run, { clusters: { ...run.clusters, [name]: offered }, message: name })
    assert.equal(await store.swap(planned, moved, toChange(run, moved)), 'done')
    assert.deepEqual((await store.get('r1'))?.run, moved)
    run = moved
    const changes = await redis.lrange('gs:{changes}:rollout:r1:changes', 0, -1)
    longest = Math.max(longest, changes.length)
    for (const change of changes) assert.ok(change.length < 300, change)
  }
  assert.equal(longest, 15)
})

test('of many that swap the same version exactly one wins', async () => {
  const store = openStore()
  const { plan, run } = rollout('r1')
  await store.put({ plan, run })
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, at) => {
      const moved = next(run, { message: `by ${at}` })
      return store.swap(plan, moved, toChange(run, moved))
    }),
  )
  assert.equal(answers.filter((answer) => answer === 'done').length, 1)
  assert.equal(answers.filter((answer) => answer === 'lost').length, 19)
  const winner = answers.indexOf('done')
  assert.equal((await store.get('r1'))?.run.message, `by ${winner}`)
})

test('a store that knows less says so, and put never goes back', async () => {
  const store = openStore()
  const { plan, run } = rollout('r1')
  const later = next(next(run))
  assert.equal(await store.swap(plan, later, toChange(run, later)), 'behind')
  assert.equal(await store.get('r1'), undefined)
  await store.put({ plan, run: next(next(run, { message: 'newer' })) })
  await store.put({ plan, run })
  assert.equal((await store.get('r1'))?.run.message, 'newer')
})

test('lists are newest first, by application, active or all, in pages', async () => {
  const store = openStore()
  for (let at = 0; at < 7; at += 1) {
    await store.put(rollout(`r${at}`, at % 2 === 0 ? 'shop' : 'bank', at))
  }
  const { plan, run } = rollout('r6', 'shop', 6)
  const ended = next(run, { phase: 'Succeeded' })
  assert.equal(await store.swap(plan, ended, toChange(run, ended)), 'done')
  const ids = async (query: Parameters<typeof store.list>[0]) => {
    const { rollouts, next } = await store.list(query)
    return [rollouts.map(({ plan }) => plan.id), next]
  }
  assert.deepEqual(await ids({ limit: 3 }), [['r6', 'r5', 'r4'], 'r4'])
  assert.deepEqual(await ids({ limit: 3, after: 'r4' }), [['r3', 'r2', 'r1'], 'r1'])
  assert.deepEqual(await ids({ limit: 3, after: 'r1' }), [['r0'], null])
  assert.deepEqual(await ids({ limit: 9, application: 'bank' }), [['r5', 'r3', 'r1'], null])
  assert.deepEqual(await ids({ limit: 2, active: true }), [['r5', 'r4'], 'r4'])
  assert.deepEqual(await ids({ limit: 9, active: true, application: 'shop' }), [
    ['r4', 'r2', 'r0'],
    null,
  ])
  await assert.rejects(store.list({ limit: 3, after: 'gone' }), /list changed/)
})

test('T32: a record that cannot be read is as good as lost, and is written anew', async () => {
  const store = createRolloutStore(redis, 'unread')
  const { plan, run } = rollout('r1')
  const [key, changes] = ['gs:{unread}:rollout:r1', 'gs:{unread}:rollout:r1:changes']
  const spoil: (() => Promise<unknown>)[] = [
    () => redis.hset(key, 'run', '{', 'version', 'noise'),
    () => redis.hset(key, 'plan', 'null}', 'version', '-nan'),
    () => redis.rpush(changes, '{'),
    () => redis.hset(key, 'plan', '5'),
    () => redis.hset(key, 'run', JSON.stringify(rollout('r2').run)),
    () => redis.del(key, changes).then(() => redis.sadd(key, 'noise')),
  ]
  let now = run
  for (const [at, change] of spoil.entries()) {
    await redis.del(key, changes)
    await store.put({ plan, run: now })
    await change()
    assert.equal(await store.get('r1'), undefined, `spoilt ${at}`)
    assert.deepEqual((await store.list({ limit: 9 })).rollouts, [], `spoilt ${at}`)
    now = next(now)
    await store.put({ plan, run: now })
    now = next(now)
    assert.equal((await store.swap(plan, now, toChange(run, now))) === 'lost', false)
  }
})

test('an emptied Redis is noticed by its missing mark', async () => {
  const store = openStore()
  assert.equal(await store.isMarked(), false)
  await store.mark()
  assert.equal(await store.isMarked(), true)
})

test('a Redis that may evict is refused', async () => {
  await assertNoEviction(redis)
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
  try {
    await assert.rejects(
      assertNoEviction(redis),
      (error) =>
        error instanceof HubError &&
        error.code === 'redis_refused' &&
        /allkeys-lru/.test(error.message),
    )
  } finally {
    await redis.config('SET', 'maxmemory-policy', 'noeviction')
  }
})

test('a Redis that is gone fails a request soon, in our words, and comes back by itself', async () => {
  await using own = await startRedis()
  const connection = await connectRedis(own.url)
  const store = createRolloutStore(connection, 'fleet')
  await store.mark()
  await own.kill()
  const started = performance.now()
  await assert.rejects(
    store.get('r1'),
    (error) => error instanceof HubError && error.code === 'redis_unavailable',
  )
  assert.ok(performance.now() - started < 3_000)
  await own.start()
  await until(async () => (await store.isMarked()) || true, {
    deadlineMs: 10_000,
    what: 'the connection to come back',
  })
  connection.disconnect()
})
