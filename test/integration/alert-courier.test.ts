import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { type Courier, type CourierOptions, createCourier } from '../../hub/alert/bullmq.ts'
import { NotNow } from '../../hub/alert/not-now.ts'
import { createSeal } from '../../hub/replica/seal.ts'
import { letter } from '../support/alert-letter.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

describe('the courier', () => {
  let redis: TestRedis
  let fleets = 0
  before(async () => {
    redis = await startRedis()
  })
  /** Those that were made: one that a failed test leaves would be at work for ever. */
  const couriers: Courier[] = []
  after(async () => {
    await Promise.all(couriers.map((courier) => courier.close()))
    await redis.stop()
  })

  function open(of: CourierOptions): Courier {
    const courier = createCourier(of)
    couriers.push(courier)
    return courier
  }

  const options = () => ({
    ...{ url: redis.url, fleet: `alerts-${(fleets += 1)}`, seal: createSeal(Buffer.from('k')) },
    ...{ log: () => {}, firstPause: 20 },
  })

  it('tries again until it is taken, and takes a letter once, over its own restart', async () => {
    const of = options()
    let tried = 0
    const ends: string[] = []
    const first = open(of)
    first.listen(
      async () => {
        tried += 1
        if (tried < 4) throw new Error('not now')
      },
      ({ id }, outcome) => ends.push(`${id} ${outcome}`),
    )
    assert.equal(await first.post(letter), 'underWay')
    await until(() => ends.length > 0, { deadlineMs: 10_000, what: 'the letter to be sent' })
    assert.deepEqual([tried, ends], [4, ['letter-1 sent']])
    await first.close()
    const second = open(of)
    second.listen(
      async () => {
        tried += 1
      },
      () => {},
    )
    assert.equal(await second.post(letter), 'sent')
    await second.close()
    assert.equal(tried, 4)
  })

  it('is not tried again before the receiver asked for it', async () => {
    const courier = open(options())
    const tries: number[] = []
    courier.listen(
      async () => {
        tries.push(performance.now())
        if (tries.length === 1) throw new NotNow('busy', 1_000, undefined)
      },
      () => {},
    )
    await courier.post(letter)
    await until(() => tries.length === 2, { deadlineMs: 10_000, what: 'the second try' })
    const waited = tries[1]! - tries[0]!
    // Redis counts whole milliseconds; without the wish it is 20 ms.
    assert(waited >= 950, `tried again after ${waited} ms`)
    await courier.close()
  })

  it('gives up after so many tries, and says why', async () => {
    const courier = open({ ...options(), attempts: 3 })
    const ends: string[] = []
    courier.listen(
      async () => {
        throw new Error('no such channel')
      },
      (_letter, outcome, reason) => ends.push(`${outcome}: ${reason}`),
    )
    await courier.post(letter)
    await until(() => ends.length > 0, { deadlineMs: 10_000, what: 'it to give up' })
    assert.deepEqual(ends, ['givenUp: no such channel'])
    assert.equal(await courier.where(letter), 'givenUp')
    await courier.close()
  })

  it('takes a letter again that an emptied Redis has lost', async () => {
    const courier = open(options())
    await courier.post(letter)
    const client = new Redis(redis.url)
    await client.flushall()
    client.disconnect()
    assert.equal(await courier.where(letter), 'none')
    assert.equal(await courier.post(letter), 'underWay')
    await courier.close()
  })

  it('T32: sends what is posted again once any key of its queue was made unreadable', async () => {
    const of = options()
    const courier = open(of)
    const sent = new Set<string>()
    courier.listen(
      async ({ id }) => void sent.add(id),
      () => {},
    )
    const client = new Redis(redis.url)
    const queue = `gs:{${of.fleet}}:queue`
    const lane = `${queue}:letters.${letter.provider}`
    const lists = ['wait', 'active', 'delayed', 'meta', 'id', 'events', 'marker', 'completed']
    const places = [`${queue}:letters-to`, ...lists.map((name) => `${lane}:${name}`)]
    const turn = async (key: string) => {
      await client.del(key)
      await (key.endsWith('letters-to') ? client.rpush : client.sadd).call(client, key, 'noise')
    }
    const spoil: ((id: string) => Promise<unknown>)[] = [
      ...places.map((key) => () => turn(key)),
      () => client.set(`${lane}:id`, 'noise'),
      (id) => turn(`${lane}:${id}`),
      (id) => client.hset(`${lane}:${id}`, 'data', '{'),
      // Its record is there, and it is in no list.
      (id) => client.hset(`${lane}:${id}`, 'data', '{}'),
    ]
    for (const [at, change] of spoil.entries()) {
      const mine = { ...letter, id: `letter-${at}` }
      await change(mine.id)
      const isSent = async () => {
        // As a sweep does.
        await courier.post(mine).catch(() => {})
        return sent.has(mine.id)
      }
      await until(isSent, { deadlineMs: 15_000, intervalMs: 200, what: `letter ${at} to be sent` })
      await courier.serve(new Set([letter.provider]))
    }
    client.disconnect()
    await courier.close()
  })

  it('holds up no provider for another that does not answer, and sends that one four at once', async () => {
    const courier = open(options())
    const [hung, told] = [Promise.withResolvers<void>(), Promise.withResolvers<number>()]
    let waiting = 0
    const ended: string[] = []
    courier.listen(
      async ({ provider }) => {
        if (provider === 'ops') return told.resolve(waiting)
        waiting += 1
        await hung.promise
      },
      ({ id, provider }) => ended.push(`${provider} ${id}`),
    )
    const ids = Array.from({ length: 20 }, (_, at) => `dead-${at}`)
    for (const id of ids) await courier.post({ ...letter, id, provider: 'dead' })
    await until(() => waiting === 4, { deadlineMs: 10_000, what: 'all its slots to be taken' })
    const posted = performance.now()
    await courier.post(letter)
    await told.promise
    assert(performance.now() - posted < 5_000)
    await until(() => ended.length > 0, { deadlineMs: 10_000, what: 'its end' })
    assert.deepEqual([waiting, ended], [4, ['ops letter-1']])
    hung.resolve()
    await until(() => ended.length === 21, { deadlineMs: 10_000, what: 'the rest' })
    await courier.close()
  })

  it('carries after a restart what was there for whom it serves, and clears what was for others', async () => {
    const of = options()
    const first = open(of)
    await first.post(letter)
    await first.post({ ...letter, id: 'letter-2', provider: 'gone' })
    await first.close()
    const second = open(of)
    const sent: string[] = []
    second.listen(
      async ({ id }) => {
        sent.push(id)
      },
      () => {},
    )
    await second.serve(new Set(['ops']))
    await until(() => sent.length > 0, { deadlineMs: 10_000, what: 'what was left' })
    const client = new Redis(redis.url)
    const left = () => client.keys(`gs:{${of.fleet}}:queue:*gone*`)
    await until(async () => (await left()).length === 0, { deadlineMs: 10_000, what: 'its end' })
    const known = () => client.smembers(`gs:{${of.fleet}}:queue:letters-to`)
    // It is forgotten once it is cleared.
    await until(async () => (await known()).length < 2, { deadlineMs: 10_000, what: 'its name' })
    assert.deepEqual(await known(), ['ops'])
    client.disconnect()
    // It is back in Git.
    const isTaken = async () => {
      await second.serve(new Set(['ops', 'gone']))
      return (await second.where({ id: 'letter-3', provider: 'gone' })) === 'sent'
    }
    // Not while that is still being put away.
    const third = { ...letter, id: 'letter-3', provider: 'gone' }
    await until(() => second.post(third).catch(() => false), {
      ...{ deadlineMs: 10_000, what: 'it to be taken again' },
    })
    await until(isTaken, { deadlineMs: 10_000, what: 'the letter' })
    assert.deepEqual(sent, ['letter-1', 'letter-3'])
    await second.close()
  })

  // A hub ended by it: no queue can have such a name.
  it('T32: goes on with names in Redis that no provider has, and forgets them', async () => {
    const of = options()
    const courier = open(of)
    const client = new Redis(redis.url)
    const known = `gs:{${of.fleet}}:queue:letters-to`
    await client.sadd(known, 'a:b', '*', '')
    await courier.post(letter)
    await courier.serve(new Set([letter.provider]))
    assert.deepEqual(await client.smembers(known), [letter.provider])
    client.disconnect()
    await courier.close()
  })

  it('sends nothing that somebody else wrote to Redis', async () => {
    const of = options()
    const sent: string[] = []
    const forged = open({ ...of, seal: createSeal(Buffer.from('another')) })
    await forged.post({ ...letter, id: 'forged', text: 'pay here' })
    await forged.close()
    const courier = open(of)
    courier.listen(
      async ({ text }) => {
        sent.push(text)
      },
      () => {},
    )
    await courier.post(letter)
    await until(
      async () =>
        (await courier.where({ ...letter, id: 'forged' })) === 'givenUp' && sent.length > 0,
      {
        ...{ deadlineMs: 10_000, what: 'the forged letter to be put away' },
      },
    )
    assert.deepEqual(sent, [letter.text])
    await courier.close()
  })
})
