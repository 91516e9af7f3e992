import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createEventLog } from '../../hub/status/redis-events.ts'
import { connectRedis } from '../../hub/redis.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

const bound = AbortSignal.timeout(60_000)
const eventOf = (message: string) => ({ type: 'x', actor: 'hub', subject: 'fleet/fleet', message })

describe('the log of events', () => {
  let redis: TestRedis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis[Symbol.asyncDispose]())

  async function open(prefix: string) {
    const client = await connectRedis(redis.url)
    const log = createEventLog(client, prefix, (error) => assert.fail(String(error)))
    const say = async (from: number, to: number) => {
      for (let at = from; at <= to; at += 1) log.emit(eventOf(String(at)), 'decision')
      const isIn = async () =>
        (await log.read({ after: null, limit: 1 }))[0]?.message === String(to)
      while (!(await isIn())) bound.throwIfAborted()
    }
    return { log, say, [Symbol.dispose]: () => client.disconnect() }
  }

  it('reaches whoever listens from now on and falls four thousand behind', async () => {
    using it = await open('behind')
    await it.say(1, 3)
    const listening = it.log.subscribe(null, bound)[Symbol.asyncIterator]()
    // It listens once the first is asked for, and takes nothing while four thousand come.
    const first = listening.next()
    await it.say(4, 4)
    const got = [(await first).value?.message]
    await it.say(5, 4_000)
    while (got.length < 3_997) got.push((await listening.next()).value?.message)
    assert.deepEqual(
      got,
      Array.from({ length: 3_997 }, (_, at) => String(at + 4)),
    )
    await it.say(4_001, 4_001)
    assert.equal((await listening.next()).value?.message, '4001')
  })

  it('is read backwards from the newest without gap or repetition', async () => {
    using it = await open('back')
    await it.say(1, 10)
    const newest = await it.log.read({ after: null, limit: 4 })
    const older = await it.log.read({ after: null, before: newest[0]!.id, limit: 4 })
    const oldest = await it.log.read({ after: null, before: older[0]!.id, limit: 4 })
    assert.deepEqual(
      [...oldest, ...older, ...newest].map(({ message }) => Number(message)),
      Array.from({ length: 10 }, (_, at) => at + 1),
    )
  })

  it('goes on from an id without gap or repetition while more is written', async () => {
    using it = await open('from')
    await it.say(1, 1_200)
    const [start] = await it.log.read({ after: '0', limit: 1 })
    const got: string[] = []
    const writing = it.say(1_201, 2_600)
    for await (const { message } of it.log.subscribe(start!.id, bound)) {
      got.push(message)
      if (message === '2600') break
    }
    await writing
    assert.deepEqual(
      got,
      Array.from({ length: 2_599 }, (_, at) => String(at + 2)),
    )
  })
})
