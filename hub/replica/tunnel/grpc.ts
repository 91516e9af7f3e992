import { Duplex } from 'node:stream'
import type { ClientDuplexStream, ServerDuplexStream } from '@grpc/grpc-js'
import { asItCame } from '@groundswell/proto/grpc.ts'
import { deliver, readRequests } from '../../sync/stream/grpc.ts'

/* A connection to the API inside a stream between replicas, so that it needs no port of its own. */

/** Of bytes both ways. */
export const tunnelMethod = {
  path: '/groundswell.v1.ReplicaService/Connect',
  originalName: 'connect',
  requestStream: true,
  responseStream: true,
  ...asItCame,
} as const

export type TunnelCall = ClientDuplexStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>

/** A message may have four mebibytes; small ones keep others' turns short. */
const pieceBytes = 64 * 1024
/** For a peer that takes nothing; what it holds up is one caller's answer. */
const blockedMs = 60_000

/** One end of the stream, as a socket; `cut` ends it at once. */
export function toSocket(call: TunnelCall, cut: () => void): Duplex {
  const bytes = readRequests<Buffer>(call)[Symbol.asyncIterator]()
  call.on('error', () => {})
  async function send(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
      await deliver(call, chunk.subarray(at, at + pieceBytes), blockedMs, cut)
    }
  }
  const socket = new Duplex({
    read() {
      bytes.next().then(
        ({ done, value }) => socket.push(done ? null : value),
        (error: Error) => socket.destroy(error),
      )
    },
    write(chunk: Buffer, _, written) {
      send(chunk).then(() => written(), written)
    },
    final(ended) {
      call.end()
      ended()
    },
    destroy(error, destroyed) {
      cut()
      destroyed(error)
    },
  })
  call.on('cancelled', () => socket.destroy())
  return socket
}
