import { isRecord } from '@groundswell/proto/record.ts'
import { type PeerCertificate, clientAuth, replicaUri } from '../sync/identity.ts'

/* What replicas say to each other: who they are, and on whose behalf they call. */

/**
 * The replica that a client certificate is of; undefined for an agent's, and for any that was not
 * made for this. TLS has checked that it is of the fleet's own authority.
 */
export function readReplicaName(
  peer: PeerCertificate | undefined,
  fleet: string,
): string | undefined {
  const prefix = `URI:${replicaUri(fleet, '')}`
  const name = peer?.subjectaltname?.startsWith(prefix)
    ? peer.subjectaltname.slice(prefix.length)
    : ''
  const usages = peer?.ext_key_usage ?? []
  const forClients = usages.length === 1 && usages[0] === clientAuth && peer?.ca !== true
  return forClients && /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name) ? name : undefined
}

/** Who opened a stream on another replica, as that one's TLS saw it. */
export interface RelayedCaller {
  readonly certificate: PeerCertificate | undefined
  readonly address: string
  /** It only tries whether it would be let in. */
  readonly rehearsal?: boolean
}

/** Headers are bounded too; a certificate of ours names one cluster in some hundred bytes. */
const longestCaller = 4 * 1024

export function formatCaller({ certificate, address, rehearsal }: RelayedCaller): string {
  const { subjectaltname, serialNumber, ext_key_usage, ca } = certificate ?? {}
  const tried = rehearsal === true ? { rehearsal } : {}
  return JSON.stringify({ subjectaltname, serialNumber, ext_key_usage, ca, address, ...tried })
}

/** Undefined for what no replica wrote. */
export function parseCaller(text: string): RelayedCaller | undefined {
  if (text.length > longestCaller) return undefined
  const value = parseJson(text)
  if (!isRecord(value)) return undefined
  const { subjectaltname, serialNumber, ext_key_usage, ca, address } = value
  if (typeof address !== 'string' || typeof subjectaltname !== 'string') return undefined
  if (typeof serialNumber !== 'string' || (ca !== undefined && typeof ca !== 'boolean')) {
    return undefined
  }
  if (!Array.isArray(ext_key_usage) || !ext_key_usage.every((one) => typeof one === 'string')) {
    return undefined
  }
  const tried = value['rehearsal'] === true ? { rehearsal: true } : {}
  return { address, certificate: { subjectaltname, serialNumber, ext_key_usage, ca }, ...tried }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
