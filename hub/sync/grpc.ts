import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { Server } from '@grpc/grpc-js'
import { EnrolService } from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import { SyncService } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { toServiceDefinition } from '@groundswell/proto/grpc.ts'
import type { createEnrolment } from './enrol.ts'
import type { Gate } from './gate.ts'
import { watchHandshakes } from './handshake.ts'
import { type Listener, enrolOptions, listen, listenerOptions, noPings } from './listen/grpc.ts'
import { type Streams, type StreamsDeps, createStreams } from './live/grpc.ts'
import { type SyncCall, isRehearsal, toStatus } from './stream/grpc.ts'
import { createMutualTls, createOpenTls } from './tls/grpc.ts'
import type { KeyExchange } from './tls/key-exchange.ts'
import type { Authority, ServerCertificate } from './x509.ts'

const compressAsync = promisify(zstdCompress)

/**
 * From the next level on each byte less costs many times as much. A pack is made once for all agents
 * that lack the same, and travels to each of them.
 */
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 6 } }

/** zstd, on another thread. */
export const compressZstd = async (bytes: Uint8Array): Promise<Uint8Array> =>
  compressAsync(bytes, compression)

/** The enrol listener: TLS without client certificates, and no data. */
export async function serveEnrolment(
  host: string,
  port: number,
  certificate: ServerCertificate,
  authority: Authority,
  enrolment: ReturnType<typeof createEnrolment>,
  gate?: Gate,
): Promise<Listener> {
  const server = new Server(enrolOptions)
  server.addService(toServiceDefinition(EnrolService), {
    begin: unary(enrolment.begin),
    enrol: unary(enrolment.enrol),
    claim: unary(enrolment.claim),
  })
  return listen(server, host, port, createOpenTls(certificate, authority), gate)
}

export interface SyncListenerDeps extends StreamsDeps {
  /** Who is let in before TLS; without it, everybody. */
  readonly gate?: Gate
  /** Classic when left out. */
  readonly keyExchange?: KeyExchange
}

export interface SyncListener extends Listener, Streams {}

/** The data listener: a client certificate is required; the newest stream of a cluster wins. */
export async function serveSync(
  host: string,
  port: number,
  certificate: ServerCertificate,
  authority: Authority,
  deps: SyncListenerDeps,
): Promise<SyncListener> {
  const server = new Server({ ...listenerOptions, ...noPings })
  const streams = createStreams(deps)
  server.addService(toServiceDefinition(SyncService), {
    sync(call: SyncCall) {
      const certificate = call.getAuthContext().sslPeerCertificate
      streams.receive(call, { certificate, address: call.getPeer(), rehearsal: isRehearsal(call) })
    },
  })
  const { gate, keyExchange = 'classic' } = deps
  const tls = createMutualTls(certificate, authority, keyExchange)
  const listener = await listen(server, host, port, tls, gate)
  watchHandshakes(server, deps.onRefused)
  return {
    ...streams,
    ...listener,
    async close(graceMs) {
      streams.dismissAll('the hub stops')
      await listener.close(graceMs)
    },
  }
}

function unary<I, O>(handle: (request: I, peer: string) => O | Promise<O>) {
  return async (
    call: { request: I; getPeer(): string },
    callback: (error: object | null, value?: O) => void,
  ): Promise<void> => {
    let value: O
    try {
      value = await handle(call.request, call.getPeer())
    } catch (error) {
      callback(toStatus(error))
      return
    }
    callback(null, value)
  }
}
