import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { digestOf } from '@groundswell/proto/digest.ts'
import {
  type Content,
  HeartbeatSchema,
  HelloSchema,
  type SyncRequest,
  type SyncResponse,
  SyncResponseSchema,
  WelcomeSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { AgentError } from '../../../../agent/errors.ts'
import { createBeginnings } from '../../../../agent/link/beginnings.ts'
import { type ReceivedOffer, type Session, openSession } from '../../../../agent/link/session.ts'
import { createChannel } from '../../../support/channel.ts'
import { settle } from '../../../support/manual-clock.ts'
import { makePack } from '../../../support/packs.ts'

const minute = 60_000

function world(beginnings = createBeginnings(), taking = async (): Promise<void> => {}) {
  const responses = createChannel<SyncResponse>()
  const sent: SyncRequest[] = []
  const offers: ReceivedOffer[] = []
  const timers = new Map<number, () => void>()
  let closed = 0
  let now = 0
  let collections = 0
  const session = openSession({
    stream: {
      responses,
      send(message) {
        sent.push(message)
        return taking()
      },
      close() {
        closed += 1
        responses.end()
      },
    },
    hello: create(HelloSchema),
    decompress: async (bytes) => bytes,
    beginnings,
    collect: () => (collections += 1),
    clock: () => 0,
    monotonic: () => now,
    onWelcome: () => {},
    onOffer: (offer) => void offers.push(offer),
    onGoodbye: () => {},
    every(ms, run) {
      timers.set(ms, run)
      return () => timers.delete(ms)
    },
  })
  session.done.catch(() => {})
  const tell = async (content: Content) => {
    responses.push(create(SyncResponseSchema, { message: { case: 'content', value: content } }))
    await settle()
  }
  const offer = async (...contents: Content[]) => {
    responses.push(create(SyncResponseSchema, { message: { case: 'offer', value: { contents } } }))
    await settle()
    return offers.at(-1)!
  }
  return {
    session,
    sent,
    timers,
    tell,
    offer,
    closed: () => closed,
    pass: (ms: number) => void (now += ms),
    collected: () => collections,
    responses,
    end: () => responses.end(),
  }
}

const code = async (done: Promise<unknown>): Promise<string | undefined> =>
  done.then(
    () => undefined,
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  )

function fetchOne(session: Session, bytes: Uint8Array) {
  const got: Uint8Array[] = []
  const wanted = new Map([[digestOf(bytes), bytes.byteLength]])
  const asked = session.fetch(wanted, async (_, blob) => void got.push(blob))
  asked.catch(() => {})
  return { asked, got }
}

describe('a session with a hub', () => {
  it('F29: is ended by silence as a clock tells it that nobody sets', async () => {
    const { responses, timers, closed, pass } = world()
    const value = { cluster: 'a', heartbeatSeconds: 20 }
    responses.push(create(SyncResponseSchema, { message: { case: 'welcome', value } }))
    await settle()
    const look = timers.get(5_000)!
    pass(60_000)
    look()
    assert.equal(closed(), 0)
    pass(1)
    look()
    assert.equal(closed(), 1)
  })

  it('answers a heartbeat by one, and sends one where none has come', async () => {
    const { responses, sent, timers, pass } = world()
    const beats = (): number => sent.filter(({ message }) => message.case === 'heartbeat').length
    const hear = async (message: SyncResponse['message']) => {
      responses.push(create(SyncResponseSchema, { message }))
      await settle()
    }
    await hear({ case: 'welcome', value: create(WelcomeSchema, { heartbeatSeconds: 20 }) })
    const look = async () => {
      pass(5_000)
      timers.get(5_000)!()
      await settle()
    }
    for (let round = 0; round < 5; round += 1) {
      for (let at = 0; at < 3; at += 1) await look()
      await hear({ case: 'heartbeat', value: create(HeartbeatSchema) })
      assert.equal(beats(), round + 1)
    }
    for (let at = 0; at < 3; at += 1) await look()
    assert.equal(beats(), 5)
    await look()
    assert.equal(beats(), 6)
  })

  it('owes a hub that takes nothing one answer, however many heartbeats that sends', async () => {
    let taken = Promise.withResolvers<void>()
    const { responses, sent } = world(undefined, () => taken.promise)
    const flood = async () => {
      for (let at = 0; at < 1_000; at += 1) {
        const message = { case: 'heartbeat', value: create(HeartbeatSchema) } as const
        responses.push(create(SyncResponseSchema, { message }))
      }
      await settle()
    }
    taken.resolve()
    await settle()
    taken = Promise.withResolvers()
    await flood()
    assert.deepEqual(
      sent.map(({ message }) => message.case),
      ['hello', 'heartbeat'],
    )
    taken.resolve()
  })

  it('is ended when the hub takes the connection and never answers', async () => {
    const { session, timers, closed } = world()
    timers.get(30_000)!()
    assert.equal(closed(), 1)
    assert.equal(await code(session.done), 'hub_unreachable')
    const answered = world()
    const value = { cluster: 'a', heartbeatSeconds: 20 }
    answered.responses.push(create(SyncResponseSchema, { message: { case: 'welcome', value } }))
    await settle()
    assert.equal(answered.timers.has(30_000), false, 'once it has answered, heartbeats tell')
  })

  it('T9: is ended when what was asked for never comes, though the hub keeps talking', async () => {
    const { session, sent, timers, closed } = world()
    const { asked } = fetchOne(session, Buffer.from('x'))
    await settle()
    assert.equal(closed(), 0)
    timers.get(minute)?.()
    assert.equal(await code(asked), 'slow_retrieval')
    assert.equal(await code(session.done), 'slow_retrieval')
    assert(closed() > 0)
    assert.equal(timers.size, 0)
    assert(sent.some(({ message }) => message.case === 'want'))
  })

  it('T9: goes on for as long as the hub is fast enough, and ends when it only trickles', async () => {
    const { session, timers, tell, closed } = world()
    const bytes = Buffer.alloc(500 * 1024, 'slow')
    const { asked, got } = fetchOne(session, bytes)
    const digest = digestOf(bytes)
    let offset = 0
    const part = async (length: number) => {
      const data = bytes.subarray(offset, offset + length)
      await tell(makePack([{ digest, size: bytes.byteLength, offset, data }]))
      offset += length
    }
    for (let passed = 0; passed < 4; passed += 1) {
      await part(60 * 1024)
      timers.get(minute)?.()
      await settle()
      assert.equal(closed(), 0)
    }
    // What nobody wanted is no progress, however much of it there is.
    await tell(makePack([{ digest: digestOf('other'), data: bytes.subarray(0, 70 * 1024) }]))
    await part(600)
    timers.get(minute)?.()
    assert.equal(await code(asked), 'slow_retrieval')
    assert.deepEqual(got, [])
  })

  it('T8: is ended by content nobody asked for', async () => {
    const { session, tell, closed } = world()
    const junk = makePack([{ digest: digestOf('junk'), data: Buffer.alloc(60 * 1024) }])
    await tell(junk)
    assert.equal(closed(), 0)
    await tell(junk)
    assert.equal(await code(session.done), 'too_much_data')
    assert(closed() > 0)
  })

  it('T8: is ended when more comes than it takes to send what was wanted', async () => {
    const { session, tell, closed } = world()
    const bytes = Buffer.alloc(200 * 1024, 'wanted')
    const { asked } = fetchOne(session, bytes)
    const junk = makePack([{ digest: digestOf('junk'), data: bytes.subarray(0, 100 * 1024) }])
    await tell(junk)
    await tell(junk)
    assert.equal(closed(), 0)
    await tell(junk)
    assert.equal(await code(asked), 'too_much_data')
    assert.equal(await code(session.done), 'too_much_data')
  })

  it('T8: what one fetch was allowed does not add up over many', async () => {
    const { session, tell, closed } = world()
    for (let fetched = 0; fetched < 20; fetched += 1) {
      const bytes = Buffer.alloc(40 * 1024, String(fetched))
      const { asked, got } = fetchOne(session, bytes)
      await tell(makePack([{ digest: digestOf(bytes), data: bytes }]))
      await asked
      assert.equal(got.length, 1)
    }
    assert.equal(closed(), 0)
    const junk = Buffer.alloc(70 * 1024)
    await tell(makePack([{ digest: digestOf(junk), data: junk }]))
    assert.equal(await code(session.done), 'too_much_data')
  })

  it('takes what was pushed from there, and asks for the rest only', async () => {
    const { session, sent, offer, tell } = world()
    const [one, two] = [Buffer.from('one'), Buffer.from('two')]
    const { pushed } = await offer(makePack([{ digest: digestOf(one), data: one }]))
    const wanted = new Map([one, two].map((bytes) => [digestOf(bytes), bytes.byteLength]))
    const got: string[] = []
    const take = async (_: string, bytes: Uint8Array) =>
      void got.push(Buffer.from(bytes).toString())
    const asked = session.fetch(wanted, take, await pushed())
    await settle()
    await tell(makePack([{ digest: digestOf(two), data: two }]))
    await asked
    assert.deepEqual(got, ['one', 'two'])
    const wants = sent.flatMap(({ message }) =>
      message.case === 'want' ? [message.value.digests] : [],
    )
    assert.deepEqual(wants, [[digestOf(two)]])
  })

  it('T8: is ended by pushes nobody can use, while those that are wanted use nothing up', async () => {
    const { session, offer, closed } = world()
    const bytes = Buffer.alloc(40 * 1024, 'pushed')
    const pack = makePack([{ digest: digestOf(bytes), data: bytes }])
    const wanted = new Map([[digestOf(bytes), bytes.byteLength]])
    for (let offers = 0; offers < 20; offers += 1) {
      const { pushed } = await offer(pack)
      await session.fetch(wanted, async () => {}, await pushed())
    }
    assert.equal(closed(), 0)
    await offer(pack)
    await offer(pack)
    assert.equal(await code(session.done), 'too_much_data')
  })

  it('T1, T6: what was pushed is checked like any content: digest and declared size', async () => {
    const { session, offer } = world()
    const bytes = Buffer.from('bytes')
    const lie = await offer(makePack([{ digest: digestOf('other'), data: bytes }]))
    assert.equal(await code(lie.pushed()), 'digest_mismatch')
    const { pushed } = await offer(makePack([{ digest: digestOf(bytes), data: bytes }]))
    const wanted = new Map([[digestOf(bytes), bytes.byteLength + 1]])
    assert.equal(await code(session.fetch(wanted, async () => {}, await pushed())), 'size_mismatch')
  })

  it('goes on after a fetch that failed, though the rest of its content still comes', async () => {
    const { session, tell, closed } = world()
    const bytes = Buffer.alloc(300 * 1024, 'rest')
    const digest = digestOf(bytes)
    const asked = session.fetch(new Map([[digest, bytes.byteLength]]), async () => {
      throw new AgentError('trust_state_unwritable', 'the disk is full')
    })
    asked.catch(() => {})
    await tell(makePack([{ digest, data: bytes }]))
    assert.equal(await code(asked), 'trust_state_unwritable')
    const { asked: next } = fetchOne(session, bytes)
    await tell(makePack([{ digest, data: bytes }]))
    assert.equal(await code(next), undefined)
    assert.equal(closed(), 0)
  })
})

it('T8: what messages took is collected each few mebibytes', async () => {
  const { responses, collected } = world()
  const envelope = new Uint8Array(1024 * 1024)
  const counts: number[] = []
  for (let n = 0; n < 8; n += 1) {
    responses.push(create(SyncResponseSchema, { message: { case: 'offer', value: { envelope } } }))
    await settle()
    counts.push(collected())
  }
  assert.deepEqual(counts, [0, 0, 0, 1, 1, 1, 1, 2])
})

describe('a transfer that was cut', () => {
  const bytes = Uint8Array.from(Buffer.from('0123456789'))
  const digest = digestOf(bytes)
  const part = (offset: number, data: Uint8Array) =>
    makePack([{ digest, size: bytes.byteLength, offset, data }])
  const wants = (sent: readonly SyncRequest[]) =>
    sent.flatMap(({ message }) => (message.case === 'want' ? [message.value] : []))

  /** What a stream brought before it ended, of one blob. */
  async function begin(data: Uint8Array) {
    const beginnings = createBeginnings()
    const { session, tell, end } = world(beginnings)
    const { asked } = fetchOne(session, bytes)
    await settle()
    await tell(part(0, data))
    end()
    assert.equal(await code(asked), 'hub_unreachable')
    return beginnings
  }

  it('F21: goes on where it broke off, on the next stream', async () => {
    const { session, sent, tell } = world(await begin(bytes.subarray(0, 6)))
    const { got, asked } = fetchOne(session, bytes)
    await settle()
    assert.deepEqual(
      wants(sent).map(({ begun }) => begun.map(({ digest, offset }) => [digest, offset])),
      [[[digest, 6]]],
    )
    await tell(part(6, bytes.subarray(6)))
    await asked
    assert.deepEqual(got, [bytes])
  })

  it('a beginning that was false is thrown away, and the blob asked for from its start, once', async () => {
    for (const honest of [true, false]) {
      const { session, sent, tell, closed } = world(await begin(Buffer.from('forged')))
      const { got, asked } = fetchOne(session, bytes)
      await settle()
      await tell(part(6, bytes.subarray(6)))
      const last = wants(sent).at(-1)!
      assert.deepEqual([wants(sent).length, last.digests, last.begun.length], [2, [digest], 0])
      await tell(part(0, honest ? bytes : Buffer.from('forged6789')))
      assert.equal(await code(asked), honest ? undefined : 'digest_mismatch')
      assert.deepEqual(got, honest ? [bytes] : [])
      assert.equal(closed(), 0)
      assert.equal(wants(sent).length, 2)
    }
  })

  it('a hub that does not know of beginnings sends the whole', async () => {
    const { session, tell } = world(await begin(bytes.subarray(0, 6)))
    const { got, asked } = fetchOne(session, bytes)
    await settle()
    await tell(part(0, bytes))
    await asked
    assert.deepEqual(got, [bytes])
  })

  it('a beginning that breaks the rules is not kept', async () => {
    const beginnings = createBeginnings()
    const { session, tell } = world(beginnings)
    const { asked } = fetchOne(session, bytes)
    await settle()
    await tell(part(0, bytes.subarray(0, 6)))
    await tell(part(9, bytes.subarray(9)))
    assert.equal(await code(asked), 'size_mismatch')
    assert.equal(beginnings.take(digest, bytes.byteLength), undefined)
  })
})
