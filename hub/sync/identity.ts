import type { Enrolment } from '../ledger/entry.ts'

/** Identity inside a client certificate. */
export function clusterUri(fleet: string, clusterId: string): string {
  return `spiffe://${fleet}/cluster/${clusterId}`
}

/** The parts of a peer's certificate that identity is read from, as Node's TLS gives them. */
export interface PeerCertificate {
  /** `URI:spiffe://…`, comma separated when there are several names. */
  readonly subjectaltname?: string | undefined
}

export type IdentityVerdict =
  | { readonly ok: true; readonly enrolment: Enrolment }
  | { readonly ok: false; readonly reason: string }

/**
 * Client certificate → cluster, by exact match against the hub's record. TLS has already checked
 * the chain; a certificate with more than one name is refused.
 */
export function identify(
  peer: PeerCertificate | undefined,
  fleet: string,
  enrolments: Iterable<Enrolment>,
): IdentityVerdict {
  const name = peer?.subjectaltname
  if (!name) return { ok: false, reason: 'no client certificate' }
  for (const enrolment of enrolments) {
    if (name === `URI:${clusterUri(fleet, enrolment.clusterId)}`) return { ok: true, enrolment }
  }
  return { ok: false, reason: 'this certificate belongs to no enrolled cluster' }
}
