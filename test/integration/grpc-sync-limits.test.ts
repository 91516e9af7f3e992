import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { type MessageInitShape, create } from '@bufbuild/protobuf'
import { digestOf } from '@groundswell/proto/digest.ts'
import {
  SyncRequestSchema,
  type SyncResponse,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { dial } from '../../agent/link/grpc.ts'
import { createAgentKey } from '../../agent/link/x509.ts'
import { type SyncListener, serveSync } from '../../hub/sync/grpc.ts'
import { type Authority, loadAuthority } from '../../hub/sync/x509.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

type Message = NonNullable<MessageInitShape<typeof SyncRequestSchema>['message']>

describe('a hub and agents that do not behave', () => {
  let directory: { path: string; remove(): Promise<void> }
  let authority: Authority
  let listener: SyncListener
  let packed = 0
  let served = 0
  const connected = new Set<string>()
  const heard: string[] = []
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(60 * 1024)))

  before(async () => {
    directory = await createTempDir('sync-limits')
    authority = await loadAuthority(`${directory.path}/ca`, 'test', Date.now)
    const certificate = await authority.serve(['groundswell-hub', '127.0.0.1'])
    listener = await serveSync('127.0.0.1', 0, certificate, authority, {
      identify(peer) {
        const cluster = peer!.subjectaltname!.split('/').at(-1)!
        const enrolment = { cluster, clusterId: cluster, clusterUid: cluster, boundKey: '' }
        const certificate = { series: 1, generation: 1, serial: '' }
        return { ok: true, enrolment: { ...enrolment, enrolledAt: 0 }, certificate }
      },
      deadlines: { helloMs: 2_000, blockedMs: 1_500 },
      offerFor: async () => ({ offer: null, current: null }),
      async serve(_, __, wanted) {
        served += wanted.length * bytes.byteLength
        return { blobs: wanted.map((digest) => ({ digest, bytes })), missing: [] }
      },
      async compress(raw) {
        packed += raw.byteLength
        return raw
      },
      heartbeatSeconds: 1,
      reconnectWindowSeconds: () => 7,
      onConnected: ({ cluster }) => connected.add(cluster),
      onDisconnected: ({ cluster }) => connected.delete(cluster),
      onRefused: () => {},
      clock: Date.now,
      onHello: (cluster) => heard.push(`${cluster} hello`),
      onHeartbeat: () => {},
      onOffered: () => {},
      onReport: (cluster) => heard.push(`${cluster} report`),
      onVerdict: () => {},
    })
  })

  after(async () => {
    await listener.close(500)
    await directory.remove()
  })

  async function connect(cluster: string) {
    const { key, publicKey } = await createAgentKey()
    const number = { series: 1, generation: 1 }
    const { chain: certificateChain } = await authority.issue(publicKey, cluster, number)
    const { certificate: hubCa } = authority
    const stream = dial({ address: listener.address, hubCa, certificateChain, key })
    const send = (message: Message) => stream.send(create(SyncRequestSchema, { message }))
    const greet = () => send({ case: 'hello', value: { protocol: 1, clusterUid: cluster } })
    const want = (count: number) =>
      send({
        case: 'want',
        value: { digests: Array.from({ length: count }, (_, n) => digestOf(`${n}`)) },
      })
    return { stream, send, greet, want }
  }

  /** Reads until the stream ends; tells how. */
  function read(responses: AsyncIterable<SyncResponse>) {
    const got = { content: 0, goodbye: '', ended: '' }
    void (async () => {
      for await (const { message } of responses) {
        if (message.case === 'content') got.content += 1
        if (message.case === 'goodbye') {
          got.goodbye = `${message.value.reason}, ${message.value.reconnectWindowSeconds} s`
        }
      }
    })().then(
      () => (got.ended = 'ended'),
      (error: unknown) => (got.ended = (error as Error).message),
    )
    return got
  }

  it('B57: a stream that says nothing is ended', async () => {
    const { stream } = await connect('silent')
    const got = read(stream.responses)
    await until(() => got.ended, { deadlineMs: 5_000, what: 'the end' })
    assert.match(got.ended, /no hello came in time/)
    await until(() => !connected.has('silent'), { deadlineMs: 5_000, what: 'the hub to let go' })
    stream.close()
  })

  it('F25: an agent that stops reading costs the hub little, is cut off, and holds up nobody', async () => {
    const stuck = await connect('stuck')
    await stuck.greet()
    await stuck.stream.responses[Symbol.asyncIterator]().next()
    // 300 MB in all, if it were taken.
    await stuck.want(5_000)
    await stuck.send({ case: 'report', value: {} })
    const other = await connect('other')
    const got = read(other.stream.responses)
    await other.greet()
    await other.want(20)
    await until(() => got.content > 0, { deadlineMs: 5_000, what: 'content for the other' })
    await until(() => heard.includes('stuck report'), {
      deadlineMs: 5_000,
      what: 'a report sent behind a want that is not taken',
    })
    await until(() => !connected.has('stuck'), { deadlineMs: 10_000, what: 'the stuck one cut' })
    assert.ok(packed < 16 * 1024 * 1024, `${packed} bytes were packed`)
    assert.equal(got.ended, '')
    assert.ok(connected.has('other'))
    stuck.stream.close()
    other.stream.close()
  })

  it('F25: one that fetches half a gigabyte does not hold up sixty kilobytes for another', async (t) => {
    const big = await connect('big')
    const bulk = read(big.stream.responses)
    await big.greet()
    for (let n = 0; n < 2; n += 1) await big.want(5_000)
    await until(() => bulk.content > 50, { deadlineMs: 10_000, what: 'the large one to flow' })
    const small = await connect('little')
    const got = read(small.stream.responses)
    await small.greet()
    await until(() => heard.includes('little hello'), { deadlineMs: 5_000, what: 'a hello' })
    const before = served
    await small.want(1)
    await until(() => got.content > 0, { deadlineMs: 5_000, intervalMs: 1, what: 'its content' })
    const between = served - before
    t.diagnostic(`${Math.round(between / 1024)} KiB were served to the other meanwhile`)
    assert.ok(between < 8 * 1024 * 1024, `${between}`)
    assert.ok(bulk.content < 10_000, 'the large one had ended')
    big.stream.close()
    small.stream.close()
  })

  it('F25: fifty that stop reading cost the hub a few packs each', async (t) => {
    await until(() => connected.size === 0, { deadlineMs: 10_000, what: 'nobody else' })
    const before = served
    const names = Array.from({ length: 50 }, (_, n) => `stalled-${n}`)
    const all = await Promise.all(
      names.map(async (name) => {
        const one = await connect(name)
        await one.greet()
        await one.stream.responses[Symbol.asyncIterator]().next()
        await one.want(5_000)
        return one
      }),
    )
    await until(() => names.every((name) => !connected.has(name)), {
      deadlineMs: 20_000,
      what: 'all of them cut',
    })
    const each = (served - before) / names.length
    t.diagnostic(`${Math.round(each / 1024)} KiB were read for each`)
    assert.ok(each < 3 * 1024 * 1024, `${each}`)
    for (const { stream } of all) stream.close()
  })

  it('many wants at once end the stream', async () => {
    const { stream, greet, want } = await connect('greedy')
    const got = read(stream.responses)
    await greet()
    for (let n = 0; n < 8; n += 1) await want(5_000)
    await until(() => got.ended, { deadlineMs: 10_000, what: 'the end' })
    assert.match(got.ended, /wants may wait/)
    stream.close()
  })

  it('says goodbye before it ends its streams, with the time to spread the way back over', async () => {
    const { stream, greet } = await connect('left')
    const got = read(stream.responses)
    await greet()
    await until(() => heard.includes('left hello'), { deadlineMs: 5_000, what: 'a hello' })
    await listener.close(2_000)
    await until(() => got.ended, { deadlineMs: 5_000, what: 'the end' })
    assert.equal(got.goodbye, 'the hub stops, 7 s')
    assert.equal(got.ended, 'ended')
    stream.close()
  })
})
