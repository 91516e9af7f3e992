import assert from 'node:assert/strict'
import { type EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, type Socket, createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { Server as TlsServer } from 'node:tls'
import { create } from '@bufbuild/protobuf'
import {
  type ServerDuplexStream,
  Server,
  ServerCredentials,
  type ServiceError,
  credentials,
  makeGenericClientConstructor,
  status,
} from '@grpc/grpc-js'
import { SyncRequestSchema, SyncService } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { toServiceDefinition } from '@groundswell/proto/grpc.ts'
import { boundHandshakes } from '@groundswell/proto/tls/grpc.ts'
import { createDoubtingCredentials } from '../../agent/link/tls/grpc.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* What of grpc-js we reach for that it does not offer. An upgrade may move any of it, and most would
   be missed in silence: a stream that is not reset, a connection nobody counts. So the version is
   pinned here too. Whoever raises it reads those files again, then writes the new one. */

const readAgainst = '1.14.7'
const readers = [
  'hub/sync/gate.ts, hub/sync/handshake.ts: Server.http2Servers',
  'hub/sync/stream/grpc.ts: call.stream of a server’s stream',
  'proto/grpc.ts: what a server does with the answer of responseSerialize: byteLength and copy, no more',
  'hub/sync/tls/grpc.ts: ServerCredentials.updateSecureContextOptions',
  'agent/link/grpc.ts: subchannelPool and continueConnecting of a channel',
  'agent/link/tls/grpc.ts, proto/tls/grpc.ts: ChannelCredentials._createSecureConnector, and its connect(socket)',
]

const options = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_channelz': 0,
  'grpc.ssl_target_name_override': 'groundswell-hub',
}

describe('what is private to grpc-js', () => {
  let directory: { path: string; remove(): Promise<void> }
  let server: Server
  let port = 0
  let hubCa = ''
  /** Nobody asks for a client's. */
  let own = { key: '', certificateChain: '' }
  let tls: ServerCredentials
  const calls: ServerDuplexStream<unknown, unknown>[] = []

  before(async () => {
    directory = await createTempDir('innards')
    const authority = await loadAuthority(directory.path, 'test', Date.now)
    const { certificate, key } = await authority.serve(['groundswell-hub', '127.0.0.1'])
    hubCa = authority.certificate
    own = { key, certificateChain: certificate }
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) }
    tls = ServerCredentials.createSsl(null, [pair], false)
    server = new Server(options)
    server.addService(toServiceDefinition(SyncService), {
      sync: (call: ServerDuplexStream<unknown, unknown>) => void calls.push(call),
    })
    port = await new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', tls, (error, bound) =>
        error ? reject(error) : resolve(bound),
      )
    })
  })
  after(async () => {
    server.forceShutdown()
    await directory.remove()
  })

  const SyncClient = makeGenericClientConstructor(toServiceDefinition(SyncService), 'Sync')
  const open = (at: number) =>
    new SyncClient(`127.0.0.1:${at}`, credentials.createSsl(Buffer.from(hubCa)), options)
  type Call = {
    write(message: object): void
    on(event: string, run: (x: object) => void): void
    cancel(): void
  }
  const start = (client: ReturnType<typeof open>): Call =>
    (client['sync'] as unknown as () => Call).call(client)

  it(`is that of the one version it was read in, ${readAgainst}`, () => {
    const help = `read what these reach for in the new version, and name it here:\n${readers.join('\n')}`
    for (const workspace of ['hub', 'agent', 'proto']) {
      const path = new URL(`../../${workspace}/package.json`, import.meta.url)
      const { dependencies } = JSON.parse(readFileSync(path, 'utf8')) as {
        readonly dependencies: Readonly<Record<string, string>>
      }
      assert.equal(dependencies['@grpc/grpc-js'], readAgainst, `${workspace}: ${help}`)
    }
    const installed = createRequire(import.meta.url)('@grpc/grpc-js/package.json') as object
    assert.equal((installed as { version: string }).version, readAgainst, help)
  })

  it('has a server keep its TLS servers, where connections are counted before a handshake', () => {
    const { http2Servers } = server as unknown as { http2Servers: ReadonlyMap<TlsServer, unknown> }
    assert.equal(http2Servers.size, 1)
    for (const listening of http2Servers.keys()) {
      assert.ok(listening instanceof TlsServer)
      // Node's, which begins the handshake, and one of grpc-js: called once a connection is let in.
      assert.equal(listening.listeners('connection').length, 2)
    }
  })

  it('has credentials take all options of Node’s TLS', () => {
    const { updateSecureContextOptions } = tls as unknown as Record<string, unknown>
    assert.equal(typeof updateSecureContextOptions, 'function')
    assert.equal((updateSecureContextOptions as () => void).length, 1)
  })

  it('has a server’s stream stand on one of HTTP/2, that can be reset', async () => {
    const client = open(port)
    const call = start(client)
    let ended: object | undefined
    call.on('error', (error) => (ended = error))
    call.write(create(SyncRequestSchema, {}))
    await until(() => calls.length, { deadlineMs: 5_000, what: 'the call' })
    const { call: inner } = calls[0] as unknown as {
      call: { stream: { close(code: number): void } }
    }
    inner.stream.close(8)
    const found = await until(() => ended as { code: number } | undefined, {
      deadlineMs: 5_000,
      what: 'a reset',
    })
    // CANCELLED, without waiting for what the peer has not read.
    assert.equal(found.code, 1)
    client.close()
  })

  it('has credentials make a connector, whose connection can be judged before it is used', async () => {
    const { trust, found } = createDoubtingCredentials({ hubCa, ...own })
    const client = new SyncClient(`127.0.0.1:${port}`, trust, options)
    const call = start(client)
    call.on('error', () => {})
    assert.equal(found(), undefined)
    const before = calls.length
    call.write(create(SyncRequestSchema, {}))
    await until(() => calls.length > before, { deadlineMs: 5_000, what: 'the call' })
    assert.deepEqual(found(), { life: undefined })
    call.cancel()
    client.close()
  })

  it('has a connector be handed the socket, so that a handshake nobody answers ends with it', async () => {
    const taken: Socket[] = []
    const silent = createServer((socket) => void taken.push(socket)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port: at } = silent.address() as AddressInfo
    const client = new SyncClient(
      `127.0.0.1:${at}`,
      boundHandshakes(credentials.createSsl(Buffer.from(hubCa)), 200),
      options,
    )
    const call = start(client)
    const [ended] = (await once(call as unknown as EventEmitter, 'error')) as [ServiceError]
    assert.equal(ended.code, status.UNAVAILABLE)
    assert.match(ended.details, /no TLS handshake within 0.2 s/)
    // One that is given up before its time leaves no socket either.
    const open = start(client)
    open.on('error', () => {})
    await until(() => taken.length > 1, { deadlineMs: 5_000, what: 'another attempt' })
    open.cancel()
    client.close()
    for (const socket of taken) socket.resume()
    await until(() => taken.every((socket) => socket.destroyed), {
      ...{ deadlineMs: 5_000, what: 'all connections to end' },
    })
    silent.close()
  })

  it('has a channel keep its attempts, that can be ended', async () => {
    const client = open(1)
    const call = start(client)
    let ended = false
    call.on('error', () => (ended = true))
    await until(() => ended, { deadlineMs: 5_000, what: 'a refusal' })
    const { internalChannel } = client.getChannel() as unknown as {
      internalChannel: {
        subchannelPool: { pool: Record<string, { subchannel: { continueConnecting: unknown } }[]> }
      }
    }
    const kept = Object.values(internalChannel.subchannelPool.pool).flat()
    assert.equal(kept.length, 1)
    assert.equal(typeof kept[0]!.subchannel.continueConnecting, 'boolean')
    client.close()
  })
})
