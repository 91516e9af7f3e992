import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'

/* Members of what another role said, each checked. All throw TypeError. */

export function parseObject(value: unknown): Record<string, unknown> {
  if (!isRecord(value)) throw new TypeError('not an object')
  return value
}

export function parseList(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError('not a list')
  return value
}

export function parseText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('not a text')
  return value
}

export function parseNumber(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new TypeError('not a whole number')
  return value as number
}

export function parseDigestOrNull(value: unknown): Digest | null {
  if (value === null || isDigest(value)) return value
  throw new TypeError('not a digest')
}

/** Standard base64, exactly as it is written: no two texts for the same bytes. */
export function parseBytes(value: unknown): Uint8Array {
  const text = parseText(value)
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new TypeError('not base64')
  return bytes
}

export function formatBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
