import 'reflect-metadata'
import assert from 'node:assert/strict'
import { X509Certificate, randomBytes, webcrypto } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import * as x509 from '@peculiar/x509'
import { type Authority, loadAuthority } from '../../hub/sync/x509.ts'
import { createTempDir } from '../support/temp-dir.ts'

x509.cryptoProvider.set(webcrypto as never)

const clusterId = '00000000-0000-4000-8000-000000000001'
const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength,
})

type Extensions = x509.Pkcs10CertificateRequestCreateParams['extensions']

async function request(
  name = 'CN=groundswell-agent',
  extensions: Extensions = [],
  algorithm: object = p256,
): Promise<Buffer> {
  const keys = await webcrypto.subtle.generateKey(algorithm as never, true, ['sign', 'verify'])
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys: keys as never,
    signingAlgorithm: algorithm as never,
    ...(extensions.length > 0 ? { extensions } : {}),
  })
  return Buffer.from(made.rawData)
}

const san = (...values: string[]) =>
  new x509.SubjectAlternativeNameExtension(values.map((value) => ({ type: 'url' as const, value })))

/** Requests that ask for more than they get: of each only the key is used. */
const asking: Record<string, () => Promise<Buffer>> = {
  'another common name': () => request('CN=cluster10'),
  'a common name that another begins with': () => request(`CN=${clusterId.slice(0, -1)}`),
  'an empty subject': () => request(''),
  'many organisations': () => request('O=system:masters, O=admins, CN=groundswell-agent'),
  'a common name of 1,000 letters': () => request(`CN=${'a'.repeat(1_000)}`),
  'another cluster’s name': () => request(undefined, [san('spiffe://fleet/cluster/other')]),
  'several names': () =>
    request(undefined, [san(`spiffe://fleet/cluster/${clusterId}`, 'spiffe://fleet/cluster/b')]),
  'a host name': () =>
    request(undefined, [
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'groundswell-hub' }]),
    ]),
  'to be a CA': () => request(undefined, [new x509.BasicConstraintsExtension(true, 9, true)]),
  'to sign certificates': () =>
    request(undefined, [new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)]),
  'to be a server': () =>
    request(undefined, [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth], true),
    ]),
}

/** Requests that get nothing. */
const refused: Record<string, () => Promise<Uint8Array>> = {
  'an RSA key of 1,024 bits': () => request(undefined, [], rsa(1024)),
  'an RSA key of 2,048 bits': () => request(undefined, [], rsa(2048)),
  'a P-384 key': () => request(undefined, [], { ...p256, namedCurve: 'P-384', hash: 'SHA-384' }),
  'a P-521 key': () => request(undefined, [], { ...p256, namedCurve: 'P-521', hash: 'SHA-512' }),
  'an Ed25519 key': () => request(undefined, [], { name: 'Ed25519' }),
  'a changed signature': async () => flip(await request(), -1),
  'a changed key': async () => {
    const der = await request()
    // The point follows the curve's name and the bit string's header.
    const curve = der.indexOf(Buffer.from('06082a8648ce3d030107', 'hex'))
    return flip(der, curve + 20)
  },
  'another request’s signature': async () => {
    const [one, two] = [await request('CN=a'), await request('CN=b')]
    const at = one.lastIndexOf(Buffer.from('06082a8648ce3d040302', 'hex'))
    const from = two.lastIndexOf(Buffer.from('06082a8648ce3d040302', 'hex'))
    const der = Buffer.concat([one.subarray(0, at), two.subarray(from)])
    der.writeUInt8(der.byteLength - 3, 2)
    return der
  },
  'something after it': async () => Buffer.concat([await request(), Buffer.of(0)]),
  'two of them': async () => Buffer.concat([await request(), await request()]),
  'half of it': async () => (await request()).subarray(0, 120),
  nothing: async () => Buffer.alloc(0),
  noise: async () => randomBytes(250),
  'noise in a sequence': async () => Buffer.concat([Buffer.of(0x30, 0x81, 200), randomBytes(200)]),
  'a size of four bytes': async () =>
    Buffer.concat([Buffer.from('3084000000f0', 'hex'), randomBytes(240)]),
  'PEM text': async () =>
    Buffer.from(x509.PemConverter.encode(await request(), 'CERTIFICATE REQUEST')),
  'more than four kibibytes': () => request(`CN=${'a'.repeat(5_000)}`),
}

function flip(der: Buffer, at: number): Buffer {
  const changed = Buffer.from(der)
  const index = at < 0 ? changed.byteLength + at : at
  changed[index] = changed[index]! ^ 1
  return changed
}

describe('certificate requests', () => {
  let directory: { path: string; remove(): Promise<void> }
  let authority: Authority

  before(async () => {
    directory = await createTempDir('x509-requests')
    authority = await loadAuthority(directory.path, 'fleet', Date.now)
  })

  after(() => directory.remove())

  for (const [what, make] of Object.entries(asking)) {
    it(`T23: one that asks for ${what} gets what the record says, and nothing more`, async () => {
      const key = await authority.readRequest(await make())
      const { chain } = await authority.issue(key, clusterId, { series: 1, generation: 1 })
      const leaf = new X509Certificate(chain)
      assert.equal(leaf.subject, `CN=${clusterId}`)
      assert.equal(leaf.subjectAltName, `URI:spiffe://fleet/cluster/${clusterId}`)
      assert.equal(leaf.ca, false)
      assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2'], 'a client, nothing else')
      const spki = leaf.publicKey.export({ type: 'spki', format: 'der' })
      assert.deepEqual(new Uint8Array(spki), key)
    })
  }

  for (const [what, make] of Object.entries(refused)) {
    it(`T23: ${what} gets no certificate`, async () => {
      await assert.rejects(authority.readRequest(await make()), { code: 'identity_refused' })
    })
  }
})
