import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { type TLSSocket, type Server as TlsServer, connect } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { create } from '@bufbuild/protobuf'
import { SyncRequestSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { Server } from '@grpc/grpc-js'
import { dial } from '../../agent/link/grpc.ts'
import { createAgentKey } from '../../agent/link/x509.ts'
import { serveSync } from '../../hub/sync/grpc.ts'
import { listen } from '../../hub/sync/listen/grpc.ts'
import { createOpenTls } from '../../hub/sync/tls/grpc.ts'
import { type Authority, loadAuthority } from '../../hub/sync/x509.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* What an agent that only streams keeps of the hub's memory, beyond what it must: each byte is there
   ten thousand times. */

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

describe('a quiet stream', () => {
  let directory: { path: string; remove(): Promise<void> }
  let authority: Authority
  before(async () => {
    directory = await createTempDir('idle-memory')
    authority = await loadAuthority(`${directory.path}/ca`, 'test', Date.now)
  })
  after(() => directory.remove())

  it('keeps nothing of the certificate that it was let in by', async () => {
    let [shown, greeted]: [WeakRef<object> | undefined, boolean] = [undefined, false]
    const certificate = await authority.serve(['groundswell-hub', '127.0.0.1'])
    const listener = await serveSync('127.0.0.1', 0, certificate, authority, {
      identify(peer) {
        shown = new WeakRef(peer!)
        const enrolment = { cluster: 'c', clusterId: 'c', clusterUid: 'c', boundKey: '' }
        const number = { series: 1, generation: 1, serial: '' }
        return { ok: true, enrolment: { ...enrolment, enrolledAt: 0 }, certificate: number }
      },
      offerFor: async () => ({ offer: null, current: null }),
      serve: async () => ({ blobs: [], missing: [] }),
      compress: async (raw) => raw,
      heartbeatSeconds: 20,
      reconnectWindowSeconds: () => 1,
      onConnected: () => {},
      onDisconnected: () => {},
      onRefused: () => {},
      clock: Date.now,
      onHello: () => void (greeted = true),
      onHeartbeat: () => {},
      onOffered: () => {},
      onReport: () => {},
      onVerdict: () => {},
    })
    await using stack = new AsyncDisposableStack()
    stack.defer(() => listener.close(500))
    const { key, publicKey } = await createAgentKey()
    const { chain } = await authority.issue(publicKey, 'c', { series: 1, generation: 1 })
    const { certificate: hubCa } = authority
    const stream = dial({ address: listener.address, hubCa, certificateChain: chain, key })
    stack.defer(() => stream.close())
    const value = { protocol: 1, clusterUid: 'c' }
    await stream.send(create(SyncRequestSchema, { message: { case: 'hello', value } }))
    await until(() => greeted, { deadlineMs: 5_000, what: 'a hello' })
    const isGone = (): boolean => {
      collect()
      return shown?.deref() === undefined
    }
    await until(isGone, { deadlineMs: 5_000, what: 'the certificate to be let go of' })
    assert.notEqual(shown, undefined)
  })

  it('keeps no pool of buffers for the name of the protocol it speaks', async () => {
    const certificate = await authority.serve(['groundswell-hub', '127.0.0.1'])
    const server = new Server()
    const tls = createOpenTls(certificate, authority)
    const listener = await listen(server, '127.0.0.1', 0, tls)
    await using stack = new AsyncDisposableStack()
    stack.defer(() => listener.close(0))
    const { http2Servers } = server as unknown as { http2Servers: ReadonlyMap<TlsServer, unknown> }
    const [listening] = http2Servers.keys()
    const secured = once(listening!, 'secureConnection')
    const socket = connect({
      ...{ host: '127.0.0.1', port: listener.port, servername: 'groundswell-hub' },
      ...{ ca: authority.certificate, ALPNProtocols: ['h2'] },
    })
    stack.defer(() => void socket.destroy())
    const [accepted] = (await secured) as [
      TLSSocket & { _tlsOptions: { ALPNProtocols: Uint8Array } },
    ]
    assert.equal(accepted.alpnProtocol, 'h2')
    const { ALPNProtocols: names } = accepted._tlsOptions
    assert.equal(names.buffer.byteLength, names.byteLength)
  })
})
