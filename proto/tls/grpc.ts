import type { Socket } from 'node:net'
import type { ChannelCredentials } from '@grpc/grpc-js'

/** What a TLS handshake may take, in milliseconds. A machine that is only slow needs a tenth of it. */
const handshakeMs = 20_000

/**
 * Gives up connections on which the other side takes a TCP connection and says nothing more. grpc-js
 * waits for such a handshake for ever, and keeps its socket when the channel is closed meanwhile;
 * keepalive begins after it.
 */
export function boundHandshakes(
  credentials: ChannelCredentials,
  mostMs = handshakeMs,
): ChannelCredentials {
  const create = credentials._createSecureConnector.bind(credentials)
  credentials._createSecureConnector = (...args) => {
    const connector = create(...args)
    return Object.assign(Object.create(connector) as typeof connector, {
      connect: (socket: Socket) => connectWithin(socket, mostMs, () => connector.connect(socket)),
    })
  }
  return credentials
}

async function connectWithin<T>(
  socket: Socket,
  mostMs: number,
  connect: () => Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    // Whoever asked destroys it too; one that was given up by then asks no more.
    socket.destroy()
    late.reject(new Error(`no TLS handshake within ${mostMs / 1000} s`))
  }, mostMs)
  try {
    return await Promise.race([connect(), late.promise])
  } finally {
    clearTimeout(timer)
  }
}
