import { hash } from 'node:crypto'

/** `sha256:` followed by 64 lower-case hex digits. Names content on the wire and in every store. */
export type Digest = `sha256:${string}`

const pattern = /^sha256:[0-9a-f]{64}$/

/** Digest of bytes exactly as they are. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${hash('sha256', bytes, 'hex')}`
}

export function isDigest(value: unknown): value is Digest {
  return typeof value === 'string' && pattern.test(value)
}

/** @throws TypeError when `value` is not a digest. */
export function parseDigest(value: unknown): Digest {
  if (!isDigest(value)) throw new TypeError(`not a sha256 digest: ${JSON.stringify(value)}`)
  return value
}
