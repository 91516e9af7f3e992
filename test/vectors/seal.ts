import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { type PublicKey, type StatementType, typOf } from '@groundswell/proto/statement.ts'

/* Signs anything at all, well formed or not, and always the same: keys are made from fixed seeds. */

export interface VectorKey {
  readonly publicKey: PublicKey
  readonly kid: string
  sign(bytes: Uint8Array): Uint8Array
}

/** RFC 8410: what stands before the seed in a PKCS #8 private key. */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

export function keyOf(name: string): VectorKey {
  const seed = createHash('sha256').update(`groundswell test vector key ${name}`).digest()
  const key = createPrivateKey({
    key: Buffer.concat([pkcs8, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  const publicKey: PublicKey = { kty: 'OKP', crv: 'Ed25519', x: x! }
  const spelt = JSON.stringify({ crv: publicKey.crv, kty: publicKey.kty, x })
  const kid = createHash('sha256').update(spelt).digest('base64url')
  return { publicKey, kid, sign: (bytes) => sign(null, bytes, key) }
}

export interface Signature {
  readonly protected: string
  readonly signature: string
}

export const encode = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url')

/** A signature over a payload with this header, an object or a text of any kind. */
export function signWith(key: VectorKey, payload: string, header: object | string): Signature {
  const spelt = encode(typeof header === 'string' ? header : canonicalJson(header as never))
  return { protected: spelt, signature: encode(key.sign(Buffer.from(`${spelt}.${payload}`))) }
}

export const headerOf = (type: StatementType, key: VectorKey) => ({
  alg: 'EdDSA',
  kid: key.kid,
  typ: typOf(type),
})

/** An envelope as text; the statement may be a text that is none. */
export function seal(
  type: StatementType,
  statement: object | string,
  ...keys: readonly VectorKey[]
): string {
  const text = typeof statement === 'string' ? statement : canonicalJson(statement as never)
  const payload = encode(text)
  const signatures = keys.map((key) => signWith(key, payload, headerOf(type, key)))
  return canonicalJson({ payload, signatures } as never)
}

export const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64')
