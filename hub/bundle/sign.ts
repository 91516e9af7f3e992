import { digestOf, type Digest } from '@groundswell/proto/digest.ts'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { type PublicKey, type StatementType, typOf } from '@groundswell/proto/statement.ts'
import { type CryptoKey, FlattenedSign, calculateJwkThumbprint } from 'jose'

/** A private key that may sign statements, with the public half that a root statement lists. */
export interface SigningKey {
  readonly privateKey: CryptoKey
  readonly publicKey: PublicKey
}

export interface SignedStatement {
  /** The envelope's bytes, as they travel. */
  readonly envelope: Uint8Array
  /** Digest of the payload that was signed. */
  readonly digest: Digest
}

/**
 * Signs a statement: JWS General JSON in the strict profile of proto/envelope.ts. One signature
 * for each key, over the same canonical bytes.
 */
export async function signStatement(
  type: StatementType,
  statement: object,
  keys: readonly SigningKey[],
): Promise<SignedStatement> {
  const payload = Buffer.from(canonicalJson(statement as never))
  const signed = await Promise.all(keys.map((key) => signWith(type, payload, key)))
  const envelope = {
    payload: payload.toString('base64url'),
    signatures: signed,
  }
  return { envelope: Buffer.from(canonicalJson(envelope)), digest: digestOf(payload) }
}

/** Digests of public keys, which never change; RFC 7638, with SHA-256. */
const thumbprints = new WeakMap<SigningKey, Promise<string>>()

function thumbprintOf(key: SigningKey): Promise<string> {
  const known = thumbprints.get(key)
  if (known) return known
  const made = calculateJwkThumbprint({ ...key.publicKey }, 'sha256')
  thumbprints.set(key, made)
  return made
}

async function signWith(
  type: StatementType,
  payload: Uint8Array,
  key: SigningKey,
): Promise<{ protected: string; signature: string }> {
  const kid = await thumbprintOf(key)
  const jws = await new FlattenedSign(payload)
    .setProtectedHeader({ alg: 'EdDSA', typ: typOf(type), kid })
    .sign(key.privateKey)
  return { protected: jws.protected!, signature: jws.signature }
}
