import { type StatementType, typOf } from './statement.ts'
import { hasExactly, isRecord } from './record.ts'
import { parseStrictJson } from './strict-json.ts'

/**
 * A signed statement: JWS General JSON (RFC 7515 §7.2.1) in a strict profile. Only the shape is
 * checked here; the agent's trust folder decides whether to believe it.
 */
export interface Envelope {
  /** Base64url of the statement's bytes. */
  readonly payload: string
  readonly signatures: readonly EnvelopeSignature[]
}

export interface EnvelopeSignature {
  readonly protected: string
  readonly signature: string
}

/** The protected header: exactly these members. `kid` is a hint, never authority. */
export interface EnvelopeHeader {
  readonly alg: 'EdDSA'
  readonly typ: string
  readonly kid: string
}

export const envelopeLimits = {
  bytes: {
    root: 32 * 1024,
    snapshot: 1024 * 1024,
    freshness: 16 * 1024,
    approval: 16 * 1024,
  },
  signatures: 16,
} as const satisfies { bytes: Record<StatementType, number>; signatures: number }

export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError'
  readonly code: 'too_large' | 'malformed' | 'header'
  constructor(code: EnvelopeError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * Untrusted bytes → the shape of an envelope of one statement type. The size is bounded before
 * anything is parsed; unprotected headers and any header member beyond the profile are refused.
 *
 * @throws EnvelopeError
 */
export function parseEnvelope(bytes: Uint8Array, type: StatementType): Envelope {
  if (bytes.byteLength > envelopeLimits.bytes[type]) {
    throw new EnvelopeError('too_large', `envelope of ${bytes.byteLength} bytes`)
  }
  const value = parseJson(bytes)
  if (!isRecord(value) || !hasExactly(value, ['payload', 'signatures'])) {
    throw new EnvelopeError('malformed', 'an envelope has exactly payload and signatures')
  }
  const { payload, signatures } = value
  if (!isBase64Url(payload)) throw new EnvelopeError('malformed', 'payload is not base64url')
  if (!Array.isArray(signatures) || signatures.length === 0) {
    throw new EnvelopeError('malformed', 'no signatures')
  }
  if (signatures.length > envelopeLimits.signatures) {
    throw new EnvelopeError('malformed', `more than ${envelopeLimits.signatures} signatures`)
  }
  return { payload, signatures: signatures.map((item) => parseSignature(item, type)) }
}

/** @throws EnvelopeError when the header is not exactly `{alg, typ, kid}` for this type. */
export function parseHeader(encoded: string, type: StatementType): EnvelopeHeader {
  const header = parseJson(Buffer.from(encoded, 'base64url'))
  if (!isRecord(header) || !hasExactly(header, ['alg', 'kid', 'typ'])) {
    throw new EnvelopeError('header', 'the protected header has exactly alg, typ and kid')
  }
  if (header['alg'] !== 'EdDSA') throw new EnvelopeError('header', 'alg is not EdDSA')
  if (header['typ'] !== typOf(type)) throw new EnvelopeError('header', `typ is not ${typOf(type)}`)
  if (!isBase64Url(header['kid']) || header['kid'].length !== 43) {
    throw new EnvelopeError('header', 'kid is not a key thumbprint')
  }
  return header as unknown as EnvelopeHeader
}

function parseSignature(item: unknown, type: StatementType): EnvelopeSignature {
  if (!isRecord(item) || !hasExactly(item, ['protected', 'signature'])) {
    throw new EnvelopeError('malformed', 'a signature has exactly protected and signature')
  }
  if (!isBase64Url(item['protected']) || !isBase64Url(item['signature'])) {
    throw new EnvelopeError('malformed', 'a signature is not base64url')
  }
  parseHeader(item['protected'], type)
  return { protected: item['protected'], signature: item['signature'] }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes)
  } catch (cause) {
    throw new EnvelopeError('malformed', `not strict JSON: ${(cause as Error).message}`, { cause })
  }
}

/** Canonical only: no padding, and no bits beyond the last byte, so one text for the same bytes. */
function isBase64Url(value: unknown): value is string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]+$/.test(value)) return false
  return Buffer.from(value, 'base64url').toString('base64url') === value
}
