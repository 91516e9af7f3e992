// x509's ASN.1 schemas are decorated classes: they need this first.
import 'reflect-metadata'
import { createHash, createPublicKey, randomBytes, webcrypto } from 'node:crypto'
import { link, mkdir, readFile, readdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { HubError } from '../../errors.ts'
import type { AuthorityLife } from './plan.ts'

x509.cryptoProvider.set(webcrypto as never)

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** A certificate authority with its key. */
export interface KeyedAuthority extends AuthorityLife {
  readonly certificate: x509.X509Certificate
  /** PEM. */
  readonly pem: string
  readonly privateKey: webcrypto.CryptoKey
  /** `sha256:…` of its SubjectPublicKeyInfo. */
  readonly pin: string
}

/** All that a directory has. @throws HubError `config_invalid` */
export async function readAuthorities(directory: string): Promise<KeyedAuthority[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return []
    throw unreadable(directory, error)
  })
  const numbers = names.flatMap((name) => {
    const match = /^ca(?:-([1-9]\d{0,5}))?\.pem$/.exec(name)
    return match ? [Number(match[1] ?? 1)] : []
  })
  return Promise.all(numbers.map((number) => readAuthority(directory, number)))
}

/**
 * Makes an authority, unless another hub that shares the directory was faster: each file appears
 * whole or not at all, and what is there already is used.
 */
export async function addAuthority(
  directory: string,
  fleet: string,
  { number, from, to }: AuthorityLife,
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const made = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  await place(directory, `${nameOf(number)}.key`, await exportKey(made.privateKey), 0o600)
  const { privateKey, publicKey } = await readKey(directory, number)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: number.toString(16).padStart(2, '0'),
    name: `CN=groundswell ${fleet}${number === 1 ? '' : ` ${number}`}`,
    notBefore: new Date(from),
    notAfter: new Date(to),
    signingAlgorithm: p256,
    keys: { privateKey, publicKey } as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  })
  await place(directory, `${nameOf(number)}.pem`, certificate.toString('pem'), 0o644)
}

export async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key)
  return x509.PemConverter.encode(der, 'PRIVATE KEY')
}

async function readAuthority(directory: string, number: number): Promise<KeyedAuthority> {
  try {
    const pem = await readFile(join(directory, `${nameOf(number)}.pem`), 'utf8')
    const certificate = new x509.X509Certificate(pem)
    const { privateKey } = await readKey(directory, number)
    const spki = Buffer.from(certificate.publicKey.rawData)
    return {
      number,
      from: certificate.notBefore.getTime(),
      to: certificate.notAfter.getTime(),
      certificate,
      pem,
      privateKey,
      pin: `sha256:${createHash('sha256').update(spki).digest('hex')}`,
    }
  } catch (error) {
    throw unreadable(directory, error)
  }
}

async function readKey(directory: string, number: number) {
  const pem = await readFile(join(directory, `${nameOf(number)}.key`), 'utf8')
  const der = x509.PemConverter.decodeFirst(pem)
  const privateKey = await webcrypto.subtle.importKey('pkcs8', der, p256, false, ['sign'])
  const spki = createPublicKey(pem).export({ type: 'spki', format: 'der' })
  const publicKey = await webcrypto.subtle.importKey('spki', spki, p256, true, ['verify'])
  return { privateKey, publicKey }
}

/** Whole under its name, or not there; a file that is there already stays. */
async function place(directory: string, name: string, text: string, mode: number): Promise<void> {
  const temporary = join(directory, `.${name}.${randomBytes(6).toString('hex')}`)
  await writeFile(temporary, text, { mode, flag: 'wx', flush: true })
  try {
    await link(temporary, join(directory, name))
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  } finally {
    await unlink(temporary)
  }
}

function nameOf(number: number): string {
  return number === 1 ? 'ca' : `ca-${number}`
}

function isErrno(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code
}

function unreadable(directory: string, cause: unknown): HubError {
  return new HubError('config_invalid', `the CA in ${directory} cannot be read`, { cause })
}
