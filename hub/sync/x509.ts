// x509's ASN.1 schemas are decorated classes: they need this first.
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { HubError } from '../errors.ts'
import { type AuthorityPlan, planAuthorities } from './ca/plan.ts'
import { type KeyedAuthority, addAuthority, exportKey, readAuthorities } from './ca/x509.ts'
import { clusterUri, replicaUri } from './identity.ts'
import { formatSerial, serialRandomBytes } from './serial-number.ts'

x509.cryptoProvider.set(webcrypto as never)

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 24 * 3600 * 1000
const serverLifeMs = 365 * dayMs
/** Clocks differ: by minutes, and by hours where one has taken a zone's time for UTC. */
const clocksDifferMs = 3 * 3600 * 1000

export interface ServerCertificate {
  readonly key: string
  /** PEM, and that of the CA that signed it. */
  readonly certificate: string
  readonly issuer: string
  /** Milliseconds since the epoch: by a clock that is set back since, it may not be good yet. */
  readonly madeAt: number
  /** When to have another made. Milliseconds since the epoch. */
  readonly renewAt: number
}

/** The hub's own certificate authority: it knows agents only by the hub's record of them. */
export interface Authority {
  /** PEM of every CA that is trusted now, the one that issues first. */
  readonly certificate: string
  /** `sha256:…` of the issuing CA's SubjectPublicKeyInfo; what join tokens pin. */
  readonly pin: string
  /** Pin of the first CA there was: stays, and so tells whether hubs share their files. */
  readonly origin: string
  /** Those that are trusted, the issuing one first. */
  list(): readonly Pick<KeyedAuthority, 'number' | 'pin' | 'from' | 'to'>[]
  /** Makes the next CA when it is time. True when another one issues, or others are trusted. */
  turn(): Promise<boolean>
  serve(hosts: readonly string[]): Promise<ServerCertificate>
  /** A client certificate by which a replica proves to the others that it is one of them. */
  vouch(replica: string): Promise<ServerCertificate>
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

/** The same in all of them, and so made once. */
const ofAllLeaves = [
  new x509.BasicConstraintsExtension(false, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
]

const identifiers = new WeakMap<x509.X509Certificate, Promise<x509.Extension>>()

/** By which what an authority issues names it; the same in all of it. */
function identifierOf(issuing: x509.X509Certificate): Promise<x509.Extension> {
  const made =
    identifiers.get(issuing) ?? x509.AuthorityKeyIdentifierExtension.create(issuing.publicKey)
  identifiers.set(issuing, made)
  return made
}

/** Loads the authorities of a directory, making the first one when there is none. */
export async function loadAuthority(
  directory: string,
  fleet: string,
  clock: () => number,
  clientLifeMs = dayMs,
  authorityLifeMs = 3650 * dayMs,
): Promise<Authority> {
  let known: readonly KeyedAuthority[] = []
  let plan: AuthorityPlan
  let roles = ''

  /** By what is there now; makes what is missing. True when a role changed by it. */
  async function turn(): Promise<boolean> {
    known = await readAuthorities(directory)
    const { due } = planAuthorities(known, clock())
    if (due !== undefined) {
      // A short life is not to be mostly of the past.
      const from = clock() - Math.min(clocksDifferMs, Math.floor(authorityLifeMs / 100))
      await addAuthority(directory, fleet, { number: due, from, to: clock() + authorityLifeMs })
      known = await readAuthorities(directory)
    }
    plan = planAuthorities(known, clock())
    const before = roles
    roles = plan.trusted.join()
    return before !== roles
  }

  const trusted = (): KeyedAuthority[] =>
    plan.trusted.map((number) => known.find((one) => one.number === number)!)
  const issuer = (): KeyedAuthority => trusted()[0]!

  await turn()

  async function sign(
    { certificate: issuing, privateKey, to: end }: KeyedAuthority,
    publicKey: x509.PublicKey | webcrypto.CryptoKey,
    subject: string,
    lifeMs: number,
    names: x509.JsonGeneralNames,
    usage: x509.ExtendedKeyUsage,
    serialNumber: string,
  ): Promise<{ readonly pem: string; readonly to: number }> {
    const to = Math.min(clock() + lifeMs, end)
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber,
      subject,
      issuer: issuing.subject,
      // A short life is not to be mostly of the past.
      notBefore: new Date(clock() - Math.min(clocksDifferMs, Math.floor(lifeMs / 10))),
      notAfter: new Date(to),
      signingAlgorithm: p256,
      publicKey: publicKey as never,
      signingKey: privateKey,
      extensions: [
        ...ofAllLeaves,
        new x509.ExtendedKeyUsageExtension([usage]),
        new x509.SubjectAlternativeNameExtension(names),
        await identifierOf(issuing),
      ],
    })
    return { pem: leaf.toString('pem'), to }
  }

  /** One of the hub's own, with a key made for it. */
  async function certifyHub(
    names: x509.JsonGeneralNames,
    usage: x509.ExtendedKeyUsage,
  ): Promise<ServerCertificate> {
    const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
    // Never read as one of a client's: those begin with 01.
    const serial = `02${randomBytes(15).toString('hex')}`
    const now = clock()
    const ca = issuer()
    const subject = 'CN=groundswell-hub'
    const leaf = await sign(ca, keys.publicKey, subject, serverLifeMs, names, usage, serial)
    return {
      key: await exportKey(keys.privateKey),
      certificate: leaf.pem,
      issuer: ca.pem,
      madeAt: now,
      renewAt: now + (leaf.to - now) / 2,
    }
  }

  return {
    get certificate() {
      return trusted()
        .map(({ pem }) => pem.trimEnd())
        .join('\n')
    },
    get pin() {
      return issuer().pin
    },
    get origin() {
      return known.reduce((one, other) => (other.number < one.number ? other : one)).pin
    },
    list: trusted,
    turn,
    async serve(hosts) {
      const names = hosts.map((value) => ({
        type: isAddress(value) ? ('ip' as const) : ('dns' as const),
        value,
      }))
      return certifyHub(names, x509.ExtendedKeyUsage.serverAuth)
    },
    vouch: (replica) =>
      certifyHub(
        [{ type: 'url', value: replicaUri(fleet, replica) }],
        x509.ExtendedKeyUsage.clientAuth,
      ),
    readRequest,
    async issue(publicKey, clusterId, { series, generation }) {
      const names = [{ type: 'url' as const, value: clusterUri(fleet, clusterId) }]
      const usage = x509.ExtendedKeyUsage.clientAuth
      const serial = formatSerial(series, generation, randomBytes(serialRandomBytes))
      const key = new x509.PublicKey(Buffer.from(publicKey))
      const ca = issuer()
      const leaf = await sign(ca, key, `CN=${clusterId}`, clientLifeMs, names, usage, serial)
      return { chain: `${leaf.pem}\n${ca.pem}`, serial }
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

function isAddress(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(':')
}
