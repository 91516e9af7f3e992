import { type KeyObject, createPublicKey, sign, verify } from 'node:crypto'
import { canonicalJson } from './canonical.ts'
import { type Digest, isDigest } from './digest.ts'
import { hasExactly, isRecord } from './record.ts'
import { isCount, need, needPositive, needText, needTimes, parseObject } from './statement-shape.ts'
import { thumbprintOf } from './thumbprint.ts'

/* What came of applying content, signed by the agent that did it: a JWS in compact form. */

/** An agent's word of one application, once for each content and outcome. */
export interface Receipt {
  readonly v: 1
  readonly fleet: string
  /** Cluster id, as the hub's record has it. */
  readonly iss: string
  /** The snapshot it was applied under: the digest of its payload, and where it stood. */
  readonly snapshot: Digest
  readonly epoch: number
  readonly sequence: number
  readonly application: string
  readonly generation: number
  /** Digest of the manifest, or `removed`. */
  readonly content: Digest | 'removed'
  readonly outcome: ReceiptOutcome
  /** How many objects the results list. */
  readonly objects: number
  /** Digest of the results' bytes. */
  readonly results: Digest
  /** Seconds since the Unix epoch, by the agent's clock. */
  readonly at: number
}

export type ReceiptOutcome = 'applied' | 'failed' | 'removed'

/** One object: what was done to it, and which version of it the API server has. */
export interface ObjectReceipt {
  readonly object: string
  readonly result: 'applied' | 'unchanged' | 'deleted' | 'failed'
  /** Empty when it is not there. */
  readonly resourceVersion: string
  /** One of the agent's error codes, or empty. */
  readonly code: string
}

export const receiptLimits = { envelope: 8 * 1024, results: 2 * 1024 * 1024 } as const

const typ = 'groundswell.receipt+jws;v=1'
const outcomes: readonly unknown[] = ['applied', 'failed', 'removed']
const results: readonly unknown[] = ['applied', 'unchanged', 'deleted', 'failed']
const part = '([A-Za-z0-9_-]+)'
const compact = new RegExp(`^${part}\\.${part}\\.${part}$`)

export class ReceiptError extends Error {
  override readonly name = 'ReceiptError'
}

/** Signs with an Ed25519 key. */
export function signReceipt(receipt: Receipt, key: KeyObject): Uint8Array {
  const header = encode(headerFor(publicOf(key)))
  const payload = encode(canonicalJson(receipt as never))
  const signature = sign(null, Buffer.from(`${header}.${payload}`), key).toString('base64url')
  return Buffer.from(`${header}.${payload}.${signature}`)
}

/**
 * A receipt, when it was signed by this key: raw, base64url, as the hub's record has it.
 *
 * @throws ReceiptError
 */
export function openReceipt(envelope: Uint8Array, boundKey: string): Receipt {
  if (envelope.byteLength > receiptLimits.envelope) throw new ReceiptError('it is too large')
  const match = compact.exec(Buffer.from(envelope).toString('latin1'))
  if (!match) throw new ReceiptError('it is not a compact JWS')
  const [, header = '', payload = '', signature = ''] = match
  // The whole header is known beforehand: there is nothing in it to be interpreted.
  if (header !== encode(headerFor(boundKey))) throw new ReceiptError('its header is another')
  const key = createPublicKey({ key: jwkOf(boundKey), format: 'jwk' })
  const signed = Buffer.from(`${header}.${payload}`)
  const bytes = Buffer.from(signature, 'base64url')
  if (bytes.toString('base64url') !== signature || !verify(null, signed, key, bytes)) {
    throw new ReceiptError('its signature is not by the key of its cluster')
  }
  return readPayload(payload)
}

function readPayload(payload: string): Receipt {
  try {
    return parseReceipt(Buffer.from(payload, 'base64url'))
  } catch (cause) {
    throw new ReceiptError((cause as Error).message, { cause })
  }
}

/**
 * What a receipt says whose signature was judged before, when it was kept.
 *
 * @throws ReceiptError
 */
export function readReceipt(envelope: Uint8Array): Receipt {
  const match = compact.exec(Buffer.from(envelope).toString('latin1'))
  if (!match) throw new ReceiptError('it is not a compact JWS')
  return readPayload(match[2]!)
}

/** The bytes a receipt names by digest. */
export function encodeResults(results: readonly ObjectReceipt[]): string {
  return canonicalJson(results as never)
}

/**
 * What came of each object; bytes that a receipt names, of an agent that may have written anything.
 *
 * @throws ReceiptError
 */
export function parseResults(bytes: Uint8Array): readonly ObjectReceipt[] {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString())
  } catch (cause) {
    throw new ReceiptError('its results are not JSON', { cause })
  }
  if (!Array.isArray(value) || !value.every(isObjectReceipt)) {
    throw new ReceiptError('its results are of another shape')
  }
  return value
}

function isObjectReceipt(value: unknown): value is ObjectReceipt {
  return (
    isRecord(value) &&
    hasExactly(value, ['code', 'object', 'resourceVersion', 'result']) &&
    results.includes(value['result']) &&
    [value['object'], value['resourceVersion'], value['code']].every(
      (text) => typeof text === 'string',
    )
  )
}

function parseReceipt(payload: Uint8Array): Receipt {
  const value = parseObject(payload, [
    ...['application', 'at', 'content', 'epoch', 'fleet', 'generation', 'iss', 'objects'],
    ...['outcome', 'results', 'sequence', 'snapshot', 'v'],
  ])
  needText(value, ['fleet', 'iss', 'application'])
  needPositive(value, ['epoch', 'sequence', 'generation'])
  needTimes(value, ['at'])
  const { content, outcome, objects, results, snapshot } = value
  need(content === 'removed' || isDigest(content), 'content')
  need(outcomes.includes(outcome), 'outcome')
  need((content === 'removed') === (outcome === 'removed') || outcome === 'failed', 'outcome')
  need(isCount(objects), 'objects')
  need(isDigest(results), 'results')
  need(isDigest(snapshot), 'snapshot')
  return value as unknown as Receipt
}

const jwkOf = (boundKey: string) => ({ kty: 'OKP', crv: 'Ed25519', x: boundKey }) as const

function headerFor(boundKey: string): string {
  return JSON.stringify({ alg: 'EdDSA', typ, kid: thumbprintOf(jwkOf(boundKey)) })
}

function publicOf(key: KeyObject): string {
  return String(createPublicKey(key).export({ format: 'jwk' }).x)
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
