// x509's ASN.1 schemas are decorated classes: they need this first.
import 'reflect-metadata'
import { type KeyObject, generateKeyPairSync, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** The keys of an agent, as it joins. */
export interface AgentKey {
  /** PKCS#8 PEM; never leaves the cluster. */
  readonly key: string
  /** PKCS#10, DER. */
  readonly certificateRequest: Uint8Array
  /** Ed25519; bound to this agent for life. */
  readonly bound: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
}

/** A fresh P-256 key, a request for a certificate over it, and a key to be bound. */
export async function createAgentKey(): Promise<AgentKey> {
  x509.cryptoProvider.set(webcrypto as never)
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=groundswell-agent',
    keys: keys as never,
    signingAlgorithm: p256,
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
    certificateRequest: new Uint8Array(request.rawData),
    bound: generateKeyPairSync('ed25519'),
  }
}
