import {
  type Envelope,
  EnvelopeError,
  parseEnvelope,
  parseHeader,
} from '@groundswell/proto/envelope.ts'
import type { KeyRole, PublicKey, StatementType } from '@groundswell/proto/statement.ts'
import { type CryptoKey, calculateJwkThumbprint, flattenedVerify, importJWK } from 'jose'
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
  const envelope = readEnvelope(bytes, type)
  if (!Number.isSafeInteger(role.threshold) || role.threshold < 1) {
    throw new AgentError('threshold_not_met', `the ${type} role has no valid threshold`)
  }
  const keys = new Map<string, PublicKey>()
  for (const key of role.keys) keys.set(await thumbprintOf(key), key)
  const signers = new Set<string>()
  for (const signature of envelope.signatures) {
    const { kid } = parseHeader(signature.protected, type)
    const key = keys.get(kid)
    if (!key) continue
    await checkSignature(envelope.payload, signature, key, kid)
    signers.add(kid)
  }
  if (signers.size < role.threshold) {
    throw new AgentError(
      'threshold_not_met',
      `${signers.size} of ${role.threshold} keys trusted for ${type} signed this`,
    )
  }
  return Buffer.from(envelope.payload, 'base64url')
}

/** RFC 7638, with SHA-256. */
async function thumbprintOf({ kty, crv, x }: PublicKey): Promise<string> {
  return calculateJwkThumbprint({ kty, crv, x }, 'sha256')
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

async function checkSignature(
  payload: string,
  signature: { protected: string; signature: string },
  key: PublicKey,
  kid: string,
): Promise<void> {
  const imported = await importKey(key, kid)
  try {
    await flattenedVerify({ payload, ...signature }, imported, { algorithms: ['EdDSA'] })
  } catch (cause) {
    throw new AgentError('signature_invalid', `the signature by key ${kid} is wrong`, { cause })
  }
}

const imported = new Map<string, CryptoKey>()

async function importKey(key: PublicKey, kid: string): Promise<CryptoKey> {
  const known = imported.get(kid)
  if (known) return known
  const { kty, crv, x } = key
  const fresh = await importJWK({ kty, crv, x }, 'EdDSA')
  if (imported.size >= 64) imported.clear()
  imported.set(kid, fresh)
  return fresh
}
