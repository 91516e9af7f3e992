import { type KeyObject, createPublicKey, verify } from 'node:crypto'
import { type EnvelopeSignature, parseEnvelope, parseHeader } from './envelope.ts'
import type { PublicKey, StatementType } from './statement.ts'
import { thumbprintOf } from './thumbprint.ts'

/** A signature by a trusted key that does not fit what it came with. */
export class SignatureError extends Error {
  override readonly name = 'SignatureError'
}

/** An envelope's payload, and which of the keys asked about signed it. */
export interface Signed {
  readonly payload: Uint8Array
  /** Key ids; each counts once, however often it signed. */
  readonly signers: ReadonlySet<string>
}

/**
 * Which of some keys signed an envelope: the one counter that hub and agent share, so that a
 * threshold means the same to both (T14). A signature by one of the keys that is wrong is a fault,
 * not one less. The envelope is never read again after this: only what the signatures cover is
 * returned.
 *
 * @throws EnvelopeError, SignatureError
 */
export function findSigners(
  bytes: Uint8Array,
  type: StatementType,
  trusted: readonly PublicKey[],
): Signed {
  const { payload, signatures } = parseEnvelope(bytes, type)
  const keys = new Map(trusted.map((key) => [thumbprintOf(key), key]))
  const signers = new Set<string>()
  for (const signature of signatures) {
    const { kid } = parseHeader(signature.protected, type)
    const key = keys.get(kid)
    if (!key) continue
    if (!isSigned(payload, signature, key, kid)) {
      throw new SignatureError(`the signature by key ${kid} is wrong`)
    }
    signers.add(kid)
  }
  return { payload: Buffer.from(payload, 'base64url'), signers }
}

/** At once, on this thread: checking takes less than handing it to another thread and back. */
function isSigned(
  payload: string,
  signature: EnvelopeSignature,
  key: PublicKey,
  kid: string,
): boolean {
  const signed = Buffer.from(`${signature.protected}.${payload}`)
  try {
    return verify(null, signed, importKey(key, kid), Buffer.from(signature.signature, 'base64url'))
  } catch {
    // A key that is no point of the curve has signed nothing.
    return false
  }
}

/** Keys as they are checked with; a root statement names a few. */
const importedLimit = 64
const imported = new Map<string, KeyObject>()

function importKey({ kty, crv, x }: PublicKey, kid: string): KeyObject {
  const known = imported.get(kid)
  if (known) return known
  const fresh = createPublicKey({ key: { kty, crv, x }, format: 'jwk' })
  if (imported.size >= importedLimit) imported.clear()
  imported.set(kid, fresh)
  return fresh
}
