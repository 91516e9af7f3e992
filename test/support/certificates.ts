import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { formatSerial } from '../../hub/sync/serial-number.ts'

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Who signs: a certificate and its private key. */
export interface Issuer {
  readonly certificate: x509.X509Certificate
  readonly privateKey: webcrypto.CryptoKey
}

/** A key and the chain to show for it, PEM. */
export interface Leaf {
  readonly key: string
  readonly cert: string
}

export interface LeafOptions {
  /** Subject alternative names, as they are given. */
  readonly names?: x509.JsonGeneralNames
  readonly usages?: readonly x509.ExtendedKeyUsage[]
  readonly ca?: boolean
  /** Milliseconds from now. */
  readonly from?: number
  readonly to?: number
  readonly serial?: string
  readonly extensions?: readonly x509.Extension[]
  /** Certificates shown after it, PEM. */
  readonly rest?: readonly string[]
}

/** What a server shows: not what an agent does. */
export const serverUsage = x509.ExtendedKeyUsage.serverAuth

const hourMs = 3_600_000

/** What a hub's own authority could sign, had somebody its key. */
export async function readIssuer(directory: string): Promise<Issuer> {
  const pem = await readFile(join(directory, 'ca.key'), 'utf8')
  const der = x509.PemConverter.decodeFirst(pem)
  return {
    certificate: new x509.X509Certificate(await readFile(join(directory, 'ca.pem'), 'utf8')),
    privateKey: await webcrypto.subtle.importKey('pkcs8', der, p256, false, ['sign']),
  }
}

/** Another authority, or one below another. */
export async function createIssuer(name: string, parent?: Issuer): Promise<Issuer> {
  x509.cryptoProvider.set(webcrypto as never)
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomBytes(8).toString('hex').replace(/^./, '1'),
    subject: name,
    issuer: parent?.certificate.subject ?? name,
    notBefore: new Date(Date.now() - hourMs),
    notAfter: new Date(Date.now() + hourMs),
    signingAlgorithm: p256,
    publicKey: keys.publicKey as never,
    signingKey: (parent?.privateKey ?? keys.privateKey) as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  return { certificate, privateKey: keys.privateKey }
}

/** A client certificate, good in every respect but those that are given. */
export async function signLeaf(
  issuer: Issuer,
  uri: string,
  options: LeafOptions = {},
): Promise<Leaf> {
  x509.cryptoProvider.set(webcrypto as never)
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  const names = options.names ?? [{ type: 'url', value: uri }]
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: options.serial ?? formatSerial(1, 1, randomBytes(9)),
    subject: 'CN=forged',
    issuer: issuer.certificate.subject,
    notBefore: new Date(Date.now() + (options.from ?? -hourMs)),
    notAfter: new Date(Date.now() + (options.to ?? hourMs)),
    signingAlgorithm: p256,
    publicKey: keys.publicKey as never,
    signingKey: issuer.privateKey as never,
    extensions: [
      new x509.BasicConstraintsExtension(options.ca === true, undefined, true),
      // Bits of digitalSignature, and of keyCertSign beside it.
      new x509.Extension(
        '2.5.29.15',
        true,
        Buffer.from(options.ca ? '03020284' : '03020780', 'hex'),
      ),
      ...(options.usages?.length === 0
        ? []
        : [
            new x509.ExtendedKeyUsageExtension([
              ...(options.usages ?? [x509.ExtendedKeyUsage.clientAuth]),
            ]),
          ]),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      ...(options.extensions ?? []),
    ],
  })
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    key: x509.PemConverter.encode(der, 'PRIVATE KEY'),
    cert: [leaf.toString('pem'), ...(options.rest ?? [])].join('\n'),
  }
}
