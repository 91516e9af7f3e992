import { X509Certificate } from 'node:crypto'

/** From when to when a certificate is good, in milliseconds since 1970. */
export interface CertificateLife {
  readonly from: number
  readonly to: number
}

const serverAuth = '1.3.6.1.5.5.7.3.1'

/**
 * The life of a certificate that is all a hub's should be, whatever the time is: issued by one of the
 * pinned authorities itself, for servers, for the name. Undefined for any other.
 *
 * @param authorities PEM texts one after the other
 */
export function lifeOfHub(
  leaf: X509Certificate,
  authorities: string,
  name: string,
): CertificateLife | undefined {
  const named = leaf.checkHost(name, { subject: 'never', wildcards: false }) !== undefined
  if (leaf.ca || !named || !leaf.keyUsage?.includes(serverAuth)) return undefined
  const pems = authorities.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const issuer = pems
    .map((pem) => new X509Certificate(pem))
    .find((ca) => ca.ca && leaf.checkIssued(ca) && leaf.verify(ca.publicKey))
  if (!issuer) return undefined
  return {
    from: Math.max(Date.parse(leaf.validFrom), Date.parse(issuer.validFrom)),
    to: Math.min(Date.parse(leaf.validTo), Date.parse(issuer.validTo)),
  }
}
