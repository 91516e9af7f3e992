import { constants } from 'node:crypto'
import { type SecureContext, type TlsOptions, createSecureContext } from 'node:tls'
import { ServerCredentials } from '@grpc/grpc-js'
import type { Authority, ServerCertificate } from '../x509.ts'
import type { KeyExchange } from './key-exchange.ts'

/* What a listener proves itself by and whom it trusts, in as few bytes as that takes: after a restart
   a hub shakes hands with its whole fleet. */

const groups: Readonly<Record<KeyExchange, string>> = {
  classic: 'X25519:P-256',
  hybrid: 'X25519MLKEM768:X25519:P-256',
}

/** All certificates of a fleet are signed by, and made for, keys of this kind. */
const signatures = 'ecdsa_secp256r1_sha256'

export interface ListenerTls {
  readonly credentials: ServerCredentials
  /** What new connections are served and judged by from now on. */
  present(certificate: ServerCertificate): void
}

/** For who joins: no client certificate; the CA is read from here and held against the pin. */
export function createOpenTls(certificate: ServerCertificate, authority: Authority): ListenerTls {
  return createTls(certificate, false, ({ certificate: leaf, issuer, key }) => ({
    ...{ cert: [`${leaf}\n${issuer}`], key: [key], ca: authority.certificate },
  }))
}

/**
 * For agents, who have the CA: a client certificate of it is required.
 *
 * OpenSSL adds to a certificate the issuers it finds among those that are trusted: a CA that every
 * agent has already, 370 bytes to each. So what a connection begins with trusts nobody at all, and
 * what it is judged by takes that one's place once the client has named the hub, as agents do. One
 * that names nobody is refused.
 *
 * grpc-js's client never resumes a session, and a ticket would hold the agent's whole certificate.
 * Of tickets that hold nothing OpenSSL sends two all the same.
 */
export function createMutualTls(
  certificate: ServerCertificate,
  authority: Authority,
  keyExchange: KeyExchange,
): ListenerTls {
  let judging: SecureContext
  return createTls(certificate, true, ({ certificate: cert, key }) => {
    judging = createSecureContext({ cert, key, ca: authority.certificate })
    return {
      ...{ cert: [cert], key: [key], ca: [] },
      ecdhCurve: groups[keyExchange],
      sigalgs: signatures,
      secureOptions: constants.SSL_OP_NO_TICKET,
      SNICallback: (_, done) => done(null, judging),
    }
  })
}

/** grpc-js gives no way to most of Node's options, and to a change of them for its own kinds only. */
function createTls(
  certificate: ServerCertificate,
  requireClient: boolean,
  optionsOf: (certificate: ServerCertificate) => TlsOptions,
): ListenerTls {
  const credentials = ServerCredentials.createSsl(Buffer.from(''), [], requireClient)
  const changing = credentials as unknown as {
    updateSecureContextOptions(options: TlsOptions): void
  }
  changing.updateSecureContextOptions(optionsOf(certificate))
  return {
    credentials,
    present: (next) => changing.updateSecureContextOptions(optionsOf(next)),
  }
}
