import type { Enrolment } from '../ledger/entry.ts'
import { findBar, type Membership, seriesOf } from '../ledger/membership.ts'
import { type CertificateNumber, parseSerial } from './serial-number.ts'

/** Identity inside a client certificate. */
export function clusterUri(fleet: string, clusterId: string): string {
  return `spiffe://${fleet}/cluster/${clusterId}`
}

/** Identity inside the client certificate that a replica of the hub shows to another. */
export function replicaUri(fleet: string, replica: string): string {
  return `spiffe://${fleet}/replica/${replica}`
}

/** The parts of a peer's certificate that identity is read from, as Node's TLS gives them. */
export interface PeerCertificate {
  /** `URI:spiffe://…`, comma separated when there are several names. */
  readonly subjectaltname?: string | undefined
  /** Upper case hex. */
  readonly serialNumber?: string | undefined
  /** Object identifiers of its extended key usage. */
  readonly ext_key_usage?: readonly string[] | undefined
  /** Whether it may sign others. */
  readonly ca?: boolean | undefined
}

export type IdentityVerdict =
  | {
      readonly ok: true
      readonly enrolment: Enrolment
      readonly certificate: CertificateNumber
    }
  | { readonly ok: false; readonly reason: string; readonly barred?: boolean }

export const clientAuth = '1.3.6.1.5.5.7.3.2'

/**
 * Client certificate → cluster, by exact match against the hub's record. TLS has already checked
 * the chain; a certificate with more than one name, for another use or of an older series is
 * refused, and so is whoever was revoked or locked.
 */
export function identify(
  peer: PeerCertificate | undefined,
  fleet: string,
  membership: Membership,
): IdentityVerdict {
  const name = peer?.subjectaltname
  if (!name) return { ok: false, reason: 'no client certificate' }
  const prefix = `URI:${clusterUri(fleet, '')}`
  const cluster = name.startsWith(prefix)
    ? membership.clusterIds.get(name.slice(prefix.length))
    : undefined
  const enrolment = cluster === undefined ? undefined : membership.enrolments.get(cluster)
  if (!enrolment || name !== `URI:${clusterUri(fleet, enrolment.clusterId)}`) {
    return { ok: false, reason: 'this certificate belongs to no enrolled cluster' }
  }
  const bar = findBar(membership, enrolment)
  if (bar !== undefined) return { ok: false, reason: bar, barred: true }
  const usages = peer.ext_key_usage ?? []
  if (usages.length !== 1 || usages[0] !== clientAuth || peer.ca === true) {
    return { ok: false, reason: 'this certificate is not for clients' }
  }
  const certificate = parseSerial(peer.serialNumber ?? '')
  if (!certificate || certificate.series !== seriesOf(enrolment)) {
    return { ok: false, reason: 'this certificate was replaced by a newer one' }
  }
  return { ok: true, enrolment, certificate }
}
