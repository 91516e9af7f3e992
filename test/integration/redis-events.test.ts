import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isGap } from '../../hub/status/event.ts'
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
        (await log.read({ after: null, limit: 1 })).items[0]?.message === String(to)
      while (!(await isIn())) bound.throwIfAborted()
    }
    const drop = (keep: number) => client.xtrim(`${prefix}:events`, 'MAXLEN', keep)
    return { client, log, say, drop, [Symbol.dispose]: () => client.disconnect() }
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
    const back = async (before?: string) =>
      (await it.log.read({ after: null, limit: 4, ...(before && { before }) })).items
    const newest = await back()
    const older = await back(newest[0]!.id)
    const oldest = await back(older[0]!.id)
    assert.deepEqual(
      [...oldest, ...older, ...newest].map(({ message }) => Number(message)),
      Array.from({ length: 10 }, (_, at) => at + 1),
    )
  })

  it('goes on from an id without gap or repetition while more is written', async () => {
    using it = await open('from')
    await it.say(1, 1_200)
    const [start] = (await it.log.read({ after: '0', limit: 1 })).items
    const got: string[] = []
    const writing = it.say(1_201, 2_600)
    for await (const one of it.log.subscribe(start!.id, bound)) {
      assert(!isGap(one))
      got.push(one.message)
      if (one.message === '2600') break
    }
    await writing
    assert.deepEqual(
      got,
      Array.from({ length: 2_599 }, (_, at) => String(at + 2)),
    )
  })

  /** What a stream from an id gives first: a gap, or messages up to one of them. */
  async function take(it: Awaited<ReturnType<typeof open>>, after: string, last: string) {
    const got: string[] = []
    for await (const one of it.log.subscribe(after, bound)) {
      got.push(isGap(one) ? `gap after ${one.after}, oldest ${one.oldest}` : one.message)
      if (got.at(-1) === last) break
    }
    return got
  }

  it('tells of a gap where what follows an id was trimmed, and goes on from the oldest', async () => {
    using it = await open('trimmed')
    await it.say(1, 9)
    const ids = (await it.log.read({ after: '0', limit: 9 })).items.map(({ id }) => id)
    assert.equal((await take(it, '0', '9')).length, 9)
    await it.drop(3)
    const oldest = ids[6]!
    assert.deepEqual(await take(it, ids[1]!, '9'), [
      `gap after ${ids[1]}, oldest ${oldest}`,
      ...['7', '8', '9'],
    ])
    assert.equal((await take(it, '0', '9'))[0], `gap after 0, oldest ${oldest}`)
    assert.deepEqual(await take(it, oldest, '9'), ['8', '9'])
  })

  it('tells who reads a page after an id of the gap before it, and of none elsewhere', async () => {
    using it = await open('pages')
    await it.say(1, 9)
    const page = async (after: string | null, limit = 3) => {
      const { items, gap } = await it.log.read({ after, limit })
      return [gap && `after ${gap.after}, oldest ${gap.oldest}`, ...items.map((one) => one.message)]
    }
    const ids = (await it.log.read({ after: '0', limit: 9 })).items.map(({ id }) => id)
    assert.deepEqual(await page('0'), [null, '1', '2', '3'])
    assert.deepEqual(await page(ids[1]!), [null, '3', '4', '5'])
    await it.drop(4)
    const oldest = ids[5]!
    assert.deepEqual(await page(ids[1]!), [`after ${ids[1]}, oldest ${oldest}`, '6', '7', '8'])
    assert.deepEqual(await page('0', 1), [`after 0, oldest ${oldest}`, '6'])
    assert.deepEqual(await page(oldest), [null, '7', '8', '9'])
    assert.deepEqual(await page(ids[8]!), [null])
    assert.deepEqual(await page(null), [null, '7', '8', '9'])
    await it.drop(0)
    assert.deepEqual(await page(ids[8]!), [`after ${ids[8]}, oldest null`])
  })

  it('tells of a gap where the log was emptied', async () => {
    using it = await open('emptied')
    await it.say(1, 2)
    const [, second] = (await it.log.read({ after: '0', limit: 2 })).items
    await it.drop(0)
    assert.deepEqual(await take(it, second!.id, `gap after ${second!.id}, oldest null`), [
      `gap after ${second!.id}, oldest null`,
    ])
  })

  it('T32: is begun anew where somebody made it into something else, or used its last id up', async () => {
    using it = await open('turned')
    const turn: (() => Promise<unknown>)[] = [
      () => it.client.sadd('turned:events', 'noise'),
      () => it.client.xadd('turned:events', '18446744073709551615-18446744073709551615', 'a', 'b'),
    ]
    for (const [at, change] of turn.entries()) {
      await it.say(1, 3)
      const { items } = await it.log.read({ after: null, limit: 1 })
      await it.client.del('turned:events')
      await change()
      for (const after of [null, '0']) await it.log.read({ after, limit: 9 })
      const { gap } = await it.log.read({ after: items[0]!.id, limit: 9 })
      assert(gap, `a reader is told of what it lost, ${at}`)
      const listening = it.log.subscribe(null, bound)[Symbol.asyncIterator]()
      const first = listening.next()
      await it.say(4, 4)
      assert.equal((await first).value?.message, '4')
      const found = await it.log.read({ after: null, limit: 9 })
      assert.deepEqual(
        found.items.map(({ message }) => message),
        ['4'],
      )
    }
  })

  it('tells a reader that fell behind what it missed while it read', async () => {
    using it = await open('overtaken')
    await it.say(1, 3)
    const listening = it.log.subscribe('0', bound)[Symbol.asyncIterator]()
    const first = (await listening.next()).value!
    await it.say(4, 1_600)
    await it.drop(2)
    const got: string[] = [first.message]
    while (got.at(-1) !== '1600') {
      const one = (await listening.next()).value!
      got.push(isGap(one) ? 'gap' : one.message)
    }
    // It had the first page in hand.
    assert.deepEqual(got, ['1', '2', '3', 'gap', '1599', '1600'])
  })
})
