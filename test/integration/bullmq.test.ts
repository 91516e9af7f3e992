import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { createWakeUps } from '../../hub/rollout/advance/bullmq.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

let server: TestRedis
before(async () => {
  server = await startRedis()
})
after(() => server.stop())

let fleets = 0

/** Wake-ups of their own, with a look at the queue behind them. */
async function open(
  wake: (id: string, wakeUps: ReturnType<typeof createWakeUps>) => Promise<void>,
  lockDuration?: number,
) {
  const fleet = `wake-${(fleets += 1)}`
  const options = { url: server.url, fleet, clock: () => Date.now() }
  const wakeUps = createWakeUps(lockDuration === undefined ? options : { ...options, lockDuration })
  const queue = new Queue('rollouts', {
    connection: { url: server.url },
    prefix: `gs:{${fleet}}:queue`,
  })
  wakeUps.listen((id) => wake(id, wakeUps))
  await queue.waitUntilReady()
  const jobs = () => queue.getJobCountByTypes('wait', 'active', 'delayed', 'completed', 'failed')
  return {
    wakeUps,
    queue,
    jobs,
    async [Symbol.asyncDispose]() {
      await wakeUps.close()
      await queue.close()
    },
  }
}

test('it rings at the time set, again as often as it is set anew, and ends when cleared', async () => {
  const rings: number[] = []
  await using it = await open(async (id, wakeUps) => {
    rings.push(Date.now())
    if (rings.length < 3) await wakeUps.set(id, 0, Date.now() + 100)
    else await wakeUps.clear(id, 0)
  })
  const start = Date.now()
  await it.wakeUps.set('r1', 0, start + 200)
  await until(() => rings.length === 3, { deadlineMs: 10_000, what: 'three rings' })
  assert.ok(rings[0]! - start >= 190, `rang after ${rings[0]! - start} ms`)
  await until(async () => (await it.jobs()) === 0, { deadlineMs: 5_000, what: 'no job left' })
})

test('setting often makes one job a wave, and the last time counts', async () => {
  let rings = 0
  await using it = await open(async (id, wakeUps) => {
    rings += 1
    await wakeUps.clear(id, 0)
  })
  for (let at = 0; at < 50; at += 1) await it.wakeUps.set('r1', 0, Date.now() + 3_600_000)
  assert.equal(await it.jobs(), 1)
  await it.wakeUps.set('r1', 0, Date.now())
  await until(() => rings > 0, { deadlineMs: 5_000, what: 'the earlier time' })
  assert.equal(rings, 1)
})

test('a flushed queue takes the same alarm again', async () => {
  let rings = 0
  await using it = await open(async (id, wakeUps) => {
    rings += 1
    await wakeUps.clear(id, 0)
  })
  await it.wakeUps.set('r1', 0, Date.now() + 3_600_000)
  const redis = new Redis(server.url)
  await redis.flushall()
  redis.disconnect()
  assert.equal(await it.jobs(), 0)
  await it.wakeUps.set('r1', 0, Date.now() + 50)
  await until(() => rings === 1, { deadlineMs: 5_000, what: 'the alarm after the flush' })
})

test('T32: a queue of which any key cannot be read is begun anew, and takes the alarm', async () => {
  const rung = new Set<string>()
  await using it = await open(async (id, wakeUps) => {
    rung.add(id)
    await wakeUps.clear(id, 0)
  })
  const redis = new Redis(server.url)
  redis.on('error', () => {})
  const names = ['wait', 'active', 'delayed', 'prioritized', 'meta', 'id', 'events', 'marker']
  const spoil: [string, (key: string) => Promise<unknown>][] = [
    ...names.map((name) => [name, (key: string) => redis.sadd(key, 'noise')] as const),
    ['id', (key: string) => redis.set(key, 'noise')] as const,
    ['spoilt-10-w0', (key: string) => redis.sadd(key, 'noise')] as const,
    ['spoilt-11-w0', (key: string) => redis.hset(key, 'data', '{', 'opts', '{')] as const,
  ].map(([name, change]) => [name, change])
  for (const [at, [name, change]] of spoil.entries()) {
    const key = it.queue.toKey(name)
    await redis.del(key)
    await change(key)
    const isRung = async () => {
      // As a sweep does: one that was set may have been in what was thrown away.
      if (!rung.has(`spoilt-${at + 1}`)) await it.wakeUps.set(`spoilt-${at + 1}`, 0, Date.now())
      return rung.has(`spoilt-${at + 1}`)
    }
    const what = `the alarm with another ${name}`
    await until(isRung, { deadlineMs: 15_000, intervalMs: 200, what })
  }
  redis.disconnect()
})

test('an alarm whose handler keeps failing is made again until it succeeds', async () => {
  let rings = 0
  await using it = await open(async (id, wakeUps) => {
    rings += 1
    if (rings < 6) throw new Error('the ledger is busy')
    await wakeUps.clear(id, 0)
  })
  await it.wakeUps.set('r1', 0, Date.now())
  await until(() => rings === 6, { deadlineMs: 20_000, what: 'the sixth ring' })
})

test('an alarm set while it rings is not lost', async () => {
  let rings = 0
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  await using it = await open(async (id, wakeUps) => {
    rings += 1
    if (rings === 1) await held
    else await wakeUps.clear(id, 0)
  })
  await it.wakeUps.set('r1', 0, Date.now())
  await until(() => rings === 1, { deadlineMs: 5_000, what: 'the first ring' })
  await it.wakeUps.set('r1', 0, Date.now() + 100)
  release()
  await until(() => rings === 2, { deadlineMs: 5_000, what: 'the ring set meanwhile' })
})

/** A worker that stood still for longer than its lock, as after a VM's pause: its job is another's by then. */
async function ringStalled(stalls: number): Promise<void> {
  const redis = new Redis(server.url)
  let rings = 0
  const again = Promise.withResolvers<void>()
  await using it = await open(async (id, wakeUps) => {
    rings += 1
    if (rings === 1) {
      await redis.del(it.queue.toKey('r1-w0:lock'))
      if (stalls > 0) await redis.hset(it.queue.toKey('r1-w0'), 'stc', String(stalls))
      await again.promise
      return
    }
    await wakeUps.clear(id, 0)
    again.resolve()
  }, 300)
  await it.wakeUps.set('r1', 0, Date.now())
  await until(() => rings === 2, { deadlineMs: 20_000, what: 'the alarm to ring again' })
  await until(async () => (await it.jobs()) === 0, { deadlineMs: 10_000, what: 'no job left' })
  redis.disconnect()
}

test('F16: an alarm whose worker lost its lock rings again, and is one job still', () =>
  ringStalled(0))

test('F17: one that stalled too often for BullMQ is made again', () => ringStalled(10))

// Found by F58: it threw, and a hub that was told to stop just then did not end in order.
test('it ends, with its Redis gone', async () => {
  const gone = await startRedis()
  const wakeUps = createWakeUps({ url: gone.url, fleet: 'gone', clock: () => Date.now() })
  await wakeUps.set('r1', 0, Date.now() + 60_000)
  await gone.stop()
  await wakeUps.close()
})
