import { createHash, timingSafeEqual } from 'node:crypto'
import type { Role } from './principal.ts'

/* An API token is `gsw_ID_SECRET`: its id finds the record, its secret (256 bit) is only kept
   as a hash. The prefix lets scanners know one where it should not be. */

/** What the hub keeps of an API token: never the secret. */
export interface ApiTokenRecord {
  readonly id: string
  /** Unique among those that hold; its holder acts as `token:NAME`. */
  readonly name: string
  /** SHA-256 of the secret, hex. A secret of 256 random bits needs no slow hash. */
  readonly hash: string
  readonly role: Role | null
  /** Of Projects' roles, as if the identity provider had named them. */
  readonly groups: readonly string[]
  /** The person who made it, and what else they are called; missing where no person did, or of before it was kept. */
  readonly maker?: { readonly actor: string; readonly names: readonly string[] }
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

const pattern = /^gsw_([0-9a-z]{12})_([A-Za-z0-9_-]{43})$/

export function formatApiToken(id: string, secret: Buffer): string {
  return `gsw_${id}_${secret.toString('base64url')}`
}

/** Undefined for whatever is no API token. */
export function readApiToken(
  text: string,
): { readonly id: string; readonly hash: string } | undefined {
  const match = pattern.exec(text)
  return match
    ? { id: match[1]!, hash: hashSecret(Buffer.from(match[2]!, 'base64url')) }
    : undefined
}

export function hashSecret(secret: Buffer): string {
  return createHash('sha256').update(secret).digest('hex')
}

export function isSameHash(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one, 'hex'), Buffer.from(other, 'hex'))
}
