import type { Socket } from 'node:net'
import type { Server as TlsServer, TLSSocket } from 'node:tls'
import type { Server } from '@grpc/grpc-js'

/** What Node says of a TLS handshake that came to nothing. */
export interface HandshakeFault {
  /** Of the error: OpenSSL's own, or the socket's. */
  readonly code?: string | undefined
  /** What the certificate was refused for, when it came to that. */
  readonly authorizationError?: Error | string | null | undefined
}

const words: Readonly<Record<string, string>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'no client certificate',
  ERR_SSL_EXCESSIVE_MESSAGE_SIZE: 'the client certificates are too large',
  CERT_HAS_EXPIRED: 'the client certificate has expired',
  CERT_NOT_YET_VALID: 'the client certificate is not valid yet',
  INVALID_PURPOSE: 'this certificate is not for clients',
  PATH_LENGTH_EXCEEDED: 'the chain of the client certificate is too long',
  CERT_CHAIN_TOO_LONG: 'the chain of the client certificate is too long',
  ...Object.fromEntries(
    [
      'CERT_SIGNATURE_FAILURE',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ].map((code) => [code, 'the client certificate is of another authority']),
  ),
}

/** In words for the log, never for the peer; undefined when it only hung up. */
export function describeHandshake(fault: HandshakeFault): string | undefined {
  const { code, authorizationError } = fault
  const refusal =
    authorizationError instanceof Error
      ? (authorizationError as NodeJS.ErrnoException).code
      : authorizationError
  const found = refusal || code
  if (!found || (!refusal && found === 'ECONNRESET')) return undefined
  return words[found] ?? `no TLS connection: ${found}`
}

/** grpc-js keeps to itself who failed to get in, and why. */
export function watchHandshakes(
  server: Server,
  onRefused: (reason: string, peer: string) => void,
): void {
  const { http2Servers } = server as unknown as { http2Servers: ReadonlyMap<TlsServer, unknown> }
  for (const listening of http2Servers.keys()) {
    // Read while it is there: a socket that was destroyed has forgotten its peer.
    listening.on('connection', (socket) => void socket.remoteAddress)
    listening.on('tlsClientError', ({ code }: NodeJS.ErrnoException, socket) => {
      const { authorizationError, _parent: parent } = socket as TLSSocket & { _parent?: Socket }
      const reason = describeHandshake({ code, authorizationError })
      if (reason !== undefined) onRefused(reason, parent?.remoteAddress ?? '')
    })
  }
}

/** Lines that may be said in one second: whoever knocks in vain must not fill the log. */
const linesPerSecond = 20

/** Passes refusals on, but for a flood of them: of that it tells how many there were. */
export function createRefusalLog(
  say: (reason: string, peer: string, untold: number) => void,
  clock: () => number,
): (reason: string, peer: string) => void {
  let second = -1
  let said = 0
  let untold = 0
  return (reason, peer) => {
    const now = Math.floor(clock() / 1000)
    if (now !== second) [second, said] = [now, 0]
    if (said >= linesPerSecond) {
      untold += 1
      return
    }
    said += 1
    say(reason, peer, untold)
    untold = 0
  }
}
