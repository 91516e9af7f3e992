// x509's ASN.1 schemas are decorated classes: they need this first.
import 'reflect-metadata'
import { createHash, randomBytes, webcrypto } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { HubError } from '../errors.ts'
import { clusterUri } from './identity.ts'
import { formatSerial, serialRandomBytes } from './serial-number.ts'

x509.cryptoProvider.set(webcrypto as never)

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 24 * 3600 * 1000
const serverLifeMs = 365 * dayMs

export interface ServerCertificate {
  readonly key: string
  readonly certificate: string
}

/** The hub's own certificate authority: it knows agents only by the hub's record of them. */
export interface Authority {
  /** PEM. */
  readonly certificate: string
  /** `sha256:…` of the CA's SubjectPublicKeyInfo; what join tokens pin. */
  readonly pin: string
  serve(hosts: readonly string[]): Promise<ServerCertificate>
  /**
   * The key a request is for, as SubjectPublicKeyInfo in DER; nothing else of it is ever used.
   * @throws HubError `identity_refused` unless it is one PKCS#10 request signed by its own P-256 key
   */
  readRequest(certificateRequest: Uint8Array): Promise<Uint8Array>
  /** A client certificate for a cluster, over a key that was read from a request. PEM, with the CA. */
  issue(publicKey: Uint8Array, clusterId: string, number: IssuedNumber): Promise<Issued>
}

export interface IssuedNumber {
  readonly series: number
  readonly generation: number
}

export interface Issued {
  /** PEM, leaf first. */
  readonly chain: string
  readonly serial: string
}

/** Loads the authority of a directory, making one on first use. `clock` in milliseconds. */
export async function loadAuthority(
  directory: string,
  fleet: string,
  clock: () => number,
  clientLifeMs = dayMs,
): Promise<Authority> {
  const { certificate, privateKey } =
    (await readAuthority(directory)) ?? (await createAuthority(directory, fleet, clock()))
  const issuer = new x509.X509Certificate(certificate)
  const pin = `sha256:${createHash('sha256').update(Buffer.from(issuer.publicKey.rawData)).digest('hex')}`

  async function sign(
    publicKey: x509.PublicKey | webcrypto.CryptoKey,
    subject: string,
    lifeMs: number,
    names: x509.JsonGeneralNames,
    usage: x509.ExtendedKeyUsage,
    serialNumber: string,
  ): Promise<string> {
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber,
      subject,
      issuer: issuer.subject,
      // Clocks differ; a short life is not to be mostly of the past.
      notBefore: new Date(clock() - Math.min(5 * 60_000, Math.floor(lifeMs / 10))),
      notAfter: new Date(clock() + lifeMs),
      signingAlgorithm: p256,
      publicKey: publicKey as never,
      signingKey: privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        new x509.SubjectAlternativeNameExtension(names),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ],
    })
    return leaf.toString('pem')
  }

  return {
    certificate,
    pin,
    async serve(hosts) {
      const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
      const names = hosts.map((value) => ({
        type: isAddress(value) ? ('ip' as const) : ('dns' as const),
        value,
      }))
      const usage = x509.ExtendedKeyUsage.serverAuth
      return {
        key: await exportKey(keys.privateKey),
        certificate: await sign(
          keys.publicKey,
          'CN=groundswell-hub',
          serverLifeMs,
          names,
          usage,
          // Never read as one of a client's: those begin with 01.
          `02${randomBytes(15).toString('hex')}`,
        ),
      }
    },
    readRequest,
    async issue(publicKey, clusterId, { series, generation }) {
      const names = [{ type: 'url' as const, value: clusterUri(fleet, clusterId) }]
      const usage = x509.ExtendedKeyUsage.clientAuth
      const serial = formatSerial(series, generation, randomBytes(serialRandomBytes))
      const key = new x509.PublicKey(Buffer.from(publicKey))
      const leaf = await sign(key, `CN=${clusterId}`, clientLifeMs, names, usage, serial)
      return { chain: `${leaf}\n${certificate}`, serial }
    },
  }
}

/** A P-256 key, signature and name take 250 bytes or so. */
const longestRequest = 4 * 1024

async function readRequest(der: Uint8Array): Promise<Uint8Array> {
  if (
    der.byteLength === 0 ||
    der.byteLength > longestRequest ||
    derLength(der) !== der.byteLength
  ) {
    throw new HubError('identity_refused', 'the certificate request is not one PKCS#10 request')
  }
  try {
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(der))
    const algorithm = request.publicKey.algorithm as { name: string; namedCurve?: string }
    if (
      algorithm.name === 'ECDSA' &&
      algorithm.namedCurve === 'P-256' &&
      (await request.verify())
    ) {
      return new Uint8Array(request.publicKey.rawData)
    }
  } catch (cause) {
    throw new HubError('identity_refused', 'the certificate request cannot be read', { cause })
  }
  throw new HubError('identity_refused', 'the certificate request is not signed by a P-256 key')
}

/** Bytes of the SEQUENCE that is all a request may be; -1 when it is none, or not in DER's form. */
function derLength(der: Uint8Array): number {
  const [tag, first, second, third] = der
  if (tag !== 0x30 || first === undefined) return -1
  if (first < 0x80) return 2 + first
  if (first === 0x81 && second !== undefined && second >= 0x80) return 3 + second
  if (first === 0x82 && second !== undefined && third !== undefined && second > 0) {
    return 4 + second * 256 + third
  }
  return -1
}

async function readAuthority(directory: string) {
  try {
    const certificate = await readFile(join(directory, 'ca.pem'), 'utf8')
    const pem = await readFile(join(directory, 'ca.key'), 'utf8')
    const privateKey = await webcrypto.subtle.importKey(
      'pkcs8',
      x509.PemConverter.decodeFirst(pem),
      p256,
      false,
      ['sign'],
    )
    return { certificate, privateKey }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new HubError('config_invalid', `the CA in ${directory} cannot be read`, { cause: error })
  }
}

async function createAuthority(directory: string, fleet: string, now: number) {
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=groundswell ${fleet}`,
    notBefore: new Date(now - 5 * 60_000),
    notAfter: new Date(now + 3650 * dayMs),
    signingAlgorithm: p256,
    keys: keys as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const certificate = authority.toString('pem')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await writeFile(join(directory, 'ca.key'), await exportKey(keys.privateKey), { mode: 0o600 })
  await writeFile(join(directory, 'ca.pem'), certificate)
  return { certificate, privateKey: keys.privateKey }
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key)
  return x509.PemConverter.encode(der, 'PRIVATE KEY')
}

function isAddress(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(':')
}
