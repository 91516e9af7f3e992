import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical.ts'
import type { PublicKey } from './statement.ts'

/** The name of a public key: RFC 7638 with SHA-256, as `kid` carries it. */
export function thumbprintOf({ kty, crv, x }: PublicKey): string {
  return createHash('sha256').update(canonicalJson({ kty, crv, x })).digest('base64url')
}
