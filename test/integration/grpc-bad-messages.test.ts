import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingHttpHeaders, connect } from 'node:http2'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { create, toBinary } from '@bufbuild/protobuf'
import { SyncRequestSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { fitReport } from '../../agent/observe/fit-report.ts'
import { toApplicationReport } from '../../agent/observe/report.ts'
import type { ApplicationState } from '../../agent/observe/status.ts'
import { createAgentKey } from '../../agent/link/x509.ts'
import { type SyncListener, serveSync } from '../../hub/sync/grpc.ts'
import { type Authority, loadAuthority } from '../../hub/sync/x509.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { upset } from '../support/upset-application.ts'

const KiB = 1024
const MiB = 1024 * KiB
const limit = 4 * MiB

/** A message of gRPC as it stands in a stream: a flag, a length, and bytes. */
function frame(bytes: Uint8Array, { flag = 0, length = bytes.byteLength } = {}): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(flag, 0)
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, bytes])
}

type Message = Parameters<typeof create<typeof SyncRequestSchema>>[1]
const encode = (message: Message): Buffer =>
  Buffer.from(toBinary(SyncRequestSchema, create(SyncRequestSchema, message)))
const hello = encode({ message: { case: 'hello', value: { protocol: 1, clusterUid: 'a' } } })
const reportOf = (states: readonly ApplicationState[]): Buffer =>
  encode({
    message: {
      case: 'report',
      value: { complete: true, applications: states.map(toApplicationReport) },
    },
  })

describe('messages to a hub that are none', () => {
  let directory: { path: string; remove(): Promise<void> }
  let authority: Authority
  let listener: SyncListener
  const heard: string[] = []

  before(async () => {
    directory = await createTempDir('bad-messages')
    authority = await loadAuthority(`${directory.path}/ca`, 'test', Date.now)
    const certificate = await authority.serve(['groundswell-hub', '127.0.0.1'])
    listener = await serveSync('127.0.0.1', 0, certificate, authority, {
      identify(peer) {
        const cluster = peer!.subjectaltname!.split('/').at(-1)!
        const enrolment = { cluster, clusterId: cluster, clusterUid: 'a', boundKey: '' }
        const number = { series: 1, generation: 1, serial: '' }
        return { ok: true, enrolment: { ...enrolment, enrolledAt: 0 }, certificate: number }
      },
      deadlines: { helloMs: 3_000, blockedMs: 3_000 },
      offerFor: async () => ({ offer: null, current: null }),
      serve: async (_, __, wanted) => ({ blobs: [], missing: wanted }),
      compress: async (bytes) => bytes,
      heartbeatSeconds: 20,
      reconnectWindowSeconds: () => 0,
      onConnected: () => {},
      onDisconnected: () => {},
      onRefused: () => {},
      clock: Date.now,
      onHello: (cluster) => heard.push(`${cluster} hello`),
      onHeartbeat: (cluster) => heard.push(`${cluster} heartbeat`),
      onOffered: () => {},
      onReport: (cluster, { applications }) =>
        heard.push(`${cluster} report of ${applications.length}`),
      onVerdict: () => {},
    })
  })
  after(async () => {
    await listener.close(200)
    await directory.remove()
  })

  /** A stream as any HTTP/2 client can open it, with a good certificate. */
  async function open(cluster: string, headers: Record<string, string> = {}) {
    const { key, publicKey } = await createAgentKey()
    const number = { series: 1, generation: 1 }
    const { chain: cert } = await authority.issue(publicKey, cluster, number)
    const session = connect(`https://${listener.address}`, {
      ...{ key, cert, ca: authority.certificate, servername: 'groundswell-hub' },
    })
    session.on('error', () => {})
    const stream = session.request({
      ...{ ':method': 'POST', ':path': '/groundswell.v1.SyncService/Sync', te: 'trailers' },
      ...{ 'content-type': 'application/grpc', ...headers },
    })
    stream.on('error', () => {})
    const got = { status: undefined as number | undefined, words: '', answered: 0 }
    const note = (found: IncomingHttpHeaders): void => {
      if (found['grpc-status'] === undefined) return
      got.status = Number(found['grpc-status'])
      got.words = decodeURIComponent([found['grpc-message'] ?? ''].flat().join())
    }
    stream.on('response', note)
    stream.on('trailers', note)
    stream.on('data', () => (got.answered += 1))
    await once(session, 'connect')
    return {
      got,
      write: (bytes: Uint8Array) => void stream.write(bytes),
      close: () => session.destroy(),
    }
  }

  /** How a stream ends on which these bytes come after a good hello. */
  async function endOf(cluster: string, bytes: Uint8Array, headers?: Record<string, string>) {
    const { got, write, close } = await open(cluster, headers)
    write(frame(hello))
    await until(() => heard.includes(`${cluster} hello`), { deadlineMs: 5_000, what: 'the hello' })
    write(bytes)
    await until(() => got.status !== undefined, { deadlineMs: 5_000, what: 'the end' })
    close()
    return got
  }

  const [invalid, exhausted, unimplemented, internal] = [3, 8, 12, 13]
  const deep = Buffer.alloc(2_000, 0x1b)
  const bad: readonly [
    what: string,
    bytes: Uint8Array,
    status: number,
    headers?: Record<string, string>,
  ][] = [
    ['B54: one of a byte more than four mebibytes', frame(Buffer.alloc(limit + 1)), exhausted],
    [
      'B54: one that says it is of 4 GiB',
      frame(Buffer.alloc(10), { length: 2 ** 32 - 1 }),
      exhausted,
    ],
    [
      'B54: garbage that is said to be compressed',
      frame(Buffer.from('garbage'), { flag: 1 }),
      internal,
      { 'grpc-encoding': 'gzip' },
    ],
    [
      'B54: one that is compressed in no way that was named',
      frame(gzipSync(hello), { flag: 1 }),
      internal,
    ],
    [
      'B54: a bomb: 64 KiB that unpack to 64 MiB',
      frame(gzipSync(Buffer.alloc(64 * MiB)), { flag: 1 }),
      exhausted,
      { 'grpc-encoding': 'gzip' },
    ],
    ['B55: groups, two thousand deep', frame(deep), internal],
    ['B55: a length over the end', frame(Buffer.from([0x0a, 0x7f])), internal],
    ['B55: a text that is no UTF-8', frame(Buffer.from([0x0a, 0x03, 0x12, 0x01, 0xff])), internal],
    [
      'B55: a number of eleven bytes',
      frame(Buffer.from([0x2a, 0x0c, 0x08, ...Buffer.alloc(10, 0xff), 0x01])),
      internal,
    ],
    ['B57: a second hello', frame(hello), invalid],
  ]

  for (const [at, [what, bytes, status, headers]] of bad.entries()) {
    it(`${what} ends the stream, and nothing else`, async () => {
      const cluster = `bad-${at}`
      const { status: found, words } = await endOf(cluster, bytes, headers)
      assert.equal(found, status, words)
      assert.deepEqual(
        heard.filter((line) => line.startsWith(`${cluster} `)),
        [`${cluster} hello`],
      )
      // Of the inside of the hub nobody learns anything.
      assert.doesNotMatch(words, /node_modules|\.ts|at .*\(/)
    })
  }

  it('B55: a mebibyte of fields that are not known is passed over', async () => {
    const { write, close } = await open('newer')
    write(frame(hello))
    const unknown = Buffer.concat([Buffer.from([0xfa, 0x3f, 0x80, 0x80, 0x40]), Buffer.alloc(MiB)])
    const beat = encode({ message: { case: 'heartbeat', value: {} } })
    write(frame(Buffer.concat([beat, unknown])))
    await until(() => heard.includes('newer heartbeat'), { deadlineMs: 5_000, what: 'a heartbeat' })
    close()
  })

  it('B54: a method that there is not is refused', async () => {
    const { got, close } = await open('elsewhere', { ':path': '/groundswell.v1.SyncService/Else' })
    await until(() => got.status !== undefined, { deadlineMs: 5_000, what: 'the end' })
    assert.equal(got.status, unimplemented)
    close()
  })

  it('B56: what an agent has to say of applications in great trouble comes in one message', async () => {
    const states = [upset('one'), upset('two')]
    const whole = reportOf(states)
    assert.ok(whole.byteLength > limit)
    assert.equal((await endOf('loud', frame(whole))).status, exhausted)
    const { write, close } = await open('fitting')
    write(frame(hello))
    write(frame(reportOf(fitReport(states))))
    await until(() => heard.includes('fitting report of 2'), {
      deadlineMs: 5_000,
      what: 'the report',
    })
    close()
  })
})
