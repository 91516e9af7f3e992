import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { type ClientHttp2Stream, connect } from 'node:http2'
import { type SecureContext, createSecureContext } from 'node:tls'
import {
  type SyncResponse,
  SyncRequestSchema,
  SyncResponseSchema,
  SyncService,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { AgentError } from '../../agent/errors.ts'
import type { Endpoint, Stream } from '../../agent/link/grpc.ts'

/* The link of an agent without a gRPC library: ten thousand of them leave the hub a core. */

const prefixBytes = 5
const windowBytes = 1024 * 1024
const path = `/${SyncService.typeName}/${SyncService.method.sync.name}`

/** Keys and certificates are read once, however often an agent dials. */
const contexts = new WeakMap<Endpoint, SecureContext>()

function contextOf(endpoint: Endpoint): SecureContext {
  const { hubCa, certificateChain, key } = endpoint
  const made =
    contexts.get(endpoint) ?? createSecureContext({ ca: hubCa, cert: certificateChain, key })
  contexts.set(endpoint, made)
  return made
}

/**
 * Opens the one stream to the data listener: real TLS on both sides, HTTP/2 and gRPC's framing by
 * hand, everything above it as any agent has it.
 *
 * @throws AgentError `hub_unreachable` from `responses`, whatever ended the stream
 */
export function dialWire(endpoint: Endpoint): Stream {
  const session = connect(`https://${endpoint.address}`, {
    secureContext: contextOf(endpoint),
    servername: 'groundswell-hub',
    settings: { initialWindowSize: windowBytes, enablePush: false },
  })
  session.on('error', () => {})
  const call = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  // Whoever reads is told; of nobody reading yet it is no fault.
  call.on('error', () => {})
  return {
    responses: read(call),
    async send(message) {
      if (call.destroyed) throw new AgentError('hub_unreachable', 'the stream has ended')
      call.write(frame(toBinary(SyncRequestSchema, message)))
    },
    close() {
      call.close()
      session.destroy()
    },
  }
}

function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(prefixBytes + message.length)
  framed[0] = 0
  framed.writeUInt32BE(message.length, 1)
  framed.set(message, prefixBytes)
  return framed
}

async function* read(call: ClientHttp2Stream): AsyncGenerator<SyncResponse> {
  let rest: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of call as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      for (;;) {
        if (rest.length < prefixBytes) break
        const end = prefixBytes + rest.readUInt32BE(1)
        if (rest.length < end) break
        const message = rest.subarray(prefixBytes, end)
        rest = rest.subarray(end)
        yield fromBinary(SyncResponseSchema, message, { readUnknownFields: false })
      }
    }
  } catch (cause) {
    throw new AgentError('hub_unreachable', `the stream has ended: ${String(cause)}`, { cause })
  }
}
