import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import {
  type Envelope,
  EnvelopeError,
  parseEnvelope,
  parseHeader,
} from '@groundswell/proto/envelope.ts'
import type { KeyRole, PublicKey, StatementType } from '@groundswell/proto/statement.ts'
import { thumbprintOf } from '@groundswell/proto/thumbprint.ts'
import { AgentError } from '../errors.ts'

/**
 * Untrusted bytes → the payload that enough distinct keys of a role signed. The envelope is never
 * read again after this: only what the signatures cover is returned.
 *
 * @throws AgentError `envelope_*`, `signature_invalid`, `threshold_not_met`
 */
export async function openEnvelope(
  bytes: Uint8Array,
  type: StatementType,
  role: KeyRole,
): Promise<Uint8Array> {
  if (!Number.isSafeInteger(role.threshold) || role.threshold < 1) {
    throw new AgentError('threshold_not_met', `the ${type} role has no valid threshold`)
  }
  const { payload, signers } = await findSigners(bytes, type, role.keys)
  if (signers.size < role.threshold) {
    throw new AgentError(
      'threshold_not_met',
      `${signers.size} of ${role.threshold} keys trusted for ${type} signed this`,
    )
  }
  return payload
}

/**
 * Which of some keys signed an envelope, by key id; each counts once, however often it signed.
 * A signature by one of them that is wrong is a fault, not one less.
 *
 * @throws AgentError `envelope_*`, `signature_invalid`
 */
export async function findSigners(
  bytes: Uint8Array,
  type: StatementType,
  trusted: readonly PublicKey[],
): Promise<{ payload: Uint8Array; signers: ReadonlySet<string> }> {
  const envelope = readEnvelope(bytes, type)
  const keys = new Map<string, PublicKey>()
  for (const key of trusted) keys.set(thumbprintOf(key), key)
  const signers = new Set<string>()
  for (const signature of envelope.signatures) {
    const { kid } = parseHeader(signature.protected, type)
    const key = keys.get(kid)
    if (!key) continue
    checkSignature(envelope.payload, signature, key, kid)
    signers.add(kid)
  }
  return { payload: Buffer.from(envelope.payload, 'base64url'), signers }
}

/** @throws AgentError `envelope_*` */
export function readEnvelope(bytes: Uint8Array, type: StatementType): Envelope {
  try {
    return parseEnvelope(bytes, type)
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error
    const code = `envelope_${error.code}` as const
    throw new AgentError(code, error.message, { cause: error })
  }
}

/** At once, on this thread: checking takes less than handing it to another thread and back. */
function checkSignature(
  payload: string,
  signature: { protected: string; signature: string },
  key: PublicKey,
  kid: string,
): void {
  const signed = Buffer.from(`${signature.protected}.${payload}`)
  if (isSigned(signed, Buffer.from(signature.signature, 'base64url'), key, kid)) return
  throw new AgentError('signature_invalid', `the signature by key ${kid} is wrong`)
}

function isSigned(signed: Buffer, signature: Buffer, key: PublicKey, kid: string): boolean {
  try {
    return verify(null, signed, importKey(key, kid), signature)
  } catch {
    // A key that is no point of the curve has signed nothing.
    return false
  }
}

const imported = new Map<string, KeyObject>()

function importKey(key: PublicKey, kid: string): KeyObject {
  const known = imported.get(kid)
  if (known) return known
  const { kty, crv, x } = key
  const fresh = createPublicKey({ key: { kty, crv, x }, format: 'jwk' })
  if (imported.size >= 64) imported.clear()
  imported.set(kid, fresh)
  return fresh
}
