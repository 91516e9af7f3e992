import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type ChannelCredentials, type ServiceError, credentials, status } from '@grpc/grpc-js'
import { boundHandshakes } from '@groundswell/proto/tls/grpc.ts'
import { AgentError } from '../../errors.ts'
import { type CertificateLife, lifeOfHub } from '../hub-certificate.ts'

/** What the hub's certificate names, whatever address it is reached by. */
export const hubName = 'groundswell-hub'

/** How both sides know each other. PEM texts. */
export interface HubTrust {
  readonly hubCa: string
  readonly certificateChain: string
  readonly key: string
}

const known = new WeakMap<HubTrust, ChannelCredentials>()

/** Keys and certificates are read once for each endpoint: more work than a dial that is refused. */
export function credentialsOf(endpoint: HubTrust): ChannelCredentials {
  const made = known.get(endpoint) ?? createCredentials(endpoint, true)
  known.set(endpoint, made)
  return made
}

function createCredentials(
  { hubCa, key, certificateChain }: HubTrust,
  rejectUnauthorized: boolean,
): ChannelCredentials {
  const [ca, own, chain] = [hubCa, key, certificateChain].map((text) => Buffer.from(text))
  return boundHandshakes(credentials.createSsl(ca, own, chain, { rejectUnauthorized }))
}

/** What was found of a hub; no `life` when its certificate is good by this machine's clock. */
export interface FoundHub {
  readonly life: CertificateLife | undefined
}

/**
 * Credentials for one stream that take the hub's certificate whatever its time, as this machine's clock
 * is doubted. Of several faults TLS reports only the last, so where it found one all but the time is
 * checked again here, before a byte is sent.
 */
export function createDoubtingCredentials(endpoint: HubTrust): {
  readonly trust: ChannelCredentials
  /** Undefined as long as nobody was looked at. */
  readonly found: () => FoundHub | undefined
} {
  let found: FoundHub | undefined
  const judge = (socket: TLSSocket): void => {
    const leaf = socket.authorized ? undefined : socket.getPeerX509Certificate()
    const life = leaf && lifeOfHub(leaf, endpoint.hubCa, hubName)
    if (!socket.authorized && !life) {
      socket.destroy()
      throw new Error(`certificate refused: ${String(socket.authorizationError)}`)
    }
    found = { life }
  }
  const trust = createCredentials(endpoint, false)
  const create = trust._createSecureConnector.bind(trust)
  trust._createSecureConnector = (...args) => {
    const connector = create(...args)
    return Object.assign(Object.create(connector) as typeof connector, {
      async connect(socket: Socket) {
        const connected = await connector.connect(socket)
        judge(connected.socket as TLSSocket)
        return connected
      },
    })
  }
  return { trust, found: () => found }
}

/** The hub's certificate was not taken: a stranger, or an authority that came while we slept. */
export function findDistrust(cause: ServiceError): AgentError | undefined {
  const { code, details } = cause
  if (code !== status.UNAVAILABLE || !/certificate/.test(details)) return undefined
  const why = details.replace(/^.*Last error: /, '').replace(/\. Resolution note.*$/, '')
  if (/certificate (has expired|is not yet valid)/.test(why)) {
    return new AgentError(
      'hub_certificate_time',
      `the hub's certificate is not good at the time that this machine's clock tells (${why})`,
      { cause },
    )
  }
  const help =
    'if its certificate authority was replaced while this agent was away, join again with a token from `swell cluster token NAME --replace`'
  return new AgentError(
    'hub_untrusted',
    `the hub shows no certificate that is trusted here (${why}); ${help}`,
    { cause },
  )
}
