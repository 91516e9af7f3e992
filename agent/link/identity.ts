import type { Identity } from '../trust/state.ts'
import type { Endpoint } from './grpc.ts'

/** A key that was made for the next certificate, and that certificate once the hub gave it. */
export interface NextCertificate {
  /** PKCS#8 PEM. */
  readonly key: string
  /** PKCS#10, DER, base64: asked for again, it must be the same request. */
  readonly request: string
  readonly issued: {
    readonly certificateChain: string
    readonly hubCa: string
    readonly generation: number
    readonly receivedAt: number
  } | null
}

/** Who this agent is and how it proves it: what joining, renewals and recoveries left. */
export interface StoredIdentity {
  readonly identity: Identity
  /** With the certificate that the hub took last. */
  readonly endpoint: Endpoint
  /** Ed25519 PKCS#8 PEM; bound to this agent for life. */
  readonly boundKey: string
  /** `host:port` where certificates are claimed. Missing when it joined before there were claims. */
  readonly enrolAddress?: string
  /** Of the certificate. */
  readonly generation?: number
  /** By our own clock, milliseconds; the certificate's life counts from there. */
  readonly receivedAt?: number
  /** Waits for approval: there is no certificate yet. */
  readonly pending?: boolean
  /** What people compare before they approve. */
  readonly fingerprint?: string
  /** Written before it is asked for or used; the present one is kept until this one has worked. */
  readonly next?: NextCertificate
  /** Ids that agents of this cluster had before: what bears one of them was applied from here. */
  readonly formerIds?: readonly string[]
  /** The root statement's envelope that the join token pinned, base64. */
  readonly root?: string
}

/** Where an agent keeps who it is: a file, or a Secret in its cluster. */
export interface IdentityStore {
  /** For people. */
  readonly name: string
  /** Undefined when this agent has not joined yet. @throws AgentError `config_invalid` when damaged */
  load(): Promise<StoredIdentity | undefined>
  /** Returns once it is durable. @throws AgentError `trust_state_unwritable`, `another_agent` */
  save(stored: StoredIdentity): Promise<void>
  /** Says that this process goes on with what it loaded; one that did before learns of it. */
  claim?(stored: StoredIdentity): Promise<void>
  /** @throws AgentError `another_agent` when another process goes on with it */
  confirm?(): Promise<void>
}

/** @throws TypeError when the text is not what `formatIdentity` wrote. */
export function parseIdentity(text: string): StoredIdentity {
  const stored = JSON.parse(text) as StoredIdentity
  const { identity, endpoint, boundKey } = stored
  if (!identity.clusterId || !endpoint.key || !boundKey) throw new TypeError('members missing')
  return stored
}
