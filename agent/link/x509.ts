// x509's ASN.1 schemas are decorated classes: they need this first.
import 'reflect-metadata'
import { type KeyObject, generateKeyPairSync, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** A key for a client certificate, and the request for one. */
export interface CertificateKey {
  /** PKCS#8 PEM; never leaves the cluster. */
  readonly key: string
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array
  /** PKCS#10, DER. */
  readonly certificateRequest: Uint8Array
}

/** The keys of an agent, as it joins. */
export interface AgentKey extends CertificateKey {
  /** Ed25519; bound to this agent for life. */
  readonly bound: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
}

/** A fresh P-256 key and a request for a certificate over it. */
export async function createCertificateKey(): Promise<CertificateKey> {
  x509.cryptoProvider.set(webcrypto as never)
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=groundswell-agent',
    keys: keys as never,
    signingAlgorithm: p256,
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  const publicKey = await webcrypto.subtle.exportKey('spki', keys.publicKey)
  return {
    key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
    publicKey: new Uint8Array(publicKey),
    certificateRequest: new Uint8Array(request.rawData),
  }
}

/** The same, and a key to be bound. */
export async function createAgentKey(): Promise<AgentKey> {
  return { ...(await createCertificateKey()), bound: generateKeyPairSync('ed25519') }
}
