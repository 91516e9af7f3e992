import type { Socket } from 'node:net'
import type { Server as TlsServer, TLSSocket } from 'node:tls'
import type { Server } from '@grpc/grpc-js'
import type { Admission, Admitted, Crowd } from './admission.ts'

export interface Gate {
  readonly admission: Pick<Admission, 'admit'>
  readonly onCrowd: (why: Crowd) => void
  /** A handshake may take so long. */
  readonly handshakeMs?: number
  /** A connection may be open so long, whatever it carries; for ever when left out. */
  readonly openMs?: number
}

const handshakeMs = 10_000

/**
 * Has connections admitted before TLS. Those that are not are reset: that costs a packet, and leaves
 * nothing behind. `after` calls back once, unless the returned function is called first.
 */
export function gateConnections(
  server: Server,
  gate: Gate,
  after: (ms: number, run: () => void) => () => void,
): void {
  const { http2Servers } = server as unknown as { http2Servers: ReadonlyMap<TlsServer, unknown> }
  for (const listening of http2Servers.keys()) {
    // What Node itself does with a connection: begins its handshake.
    const handlers = listening.listeners('connection')
    const shaking = new WeakMap<Socket, Admitted>()
    listening.removeAllListeners('connection')
    listening.on('connection', (socket: Socket) => {
      const verdict = gate.admission.admit(socket.remoteAddress ?? '')
      if (typeof verdict === 'string') {
        socket.resetAndDestroy()
        gate.onCrowd(verdict)
        return
      }
      shaking.set(socket, verdict)
      const tooSlow = after(gate.handshakeMs ?? handshakeMs, () => {
        if (shaking.has(socket)) socket.destroy()
      })
      const { openMs } = gate
      const tooLong = openMs === undefined ? () => {} : after(openMs, () => socket.destroy())
      socket.once('close', () => {
        tooSlow()
        tooLong()
        verdict.closed()
      })
      for (const handler of handlers) handler.call(listening, socket)
    })
    listening.on('secureConnection', (socket: TLSSocket & { _parent?: Socket }) => {
      const { _parent: parent } = socket
      if (!parent) return
      shaking.get(parent)?.settled()
      shaking.delete(parent)
    })
  }
}
