import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Root } from '@groundswell/proto/statement.ts'
import { type SigningKey, signStatement } from './sign.ts'

/** The keys a fleet is run with, by role. */
export interface FleetKeys {
  readonly root: SigningKey
  readonly snapshot: SigningKey
  readonly freshness: SigningKey
}

export interface SignedRoot {
  readonly root: Root
  readonly envelope: Uint8Array
  /** Digest of the envelope: what a join token pins. */
  readonly digest: Digest
}

const yearSeconds = 365 * 24 * 3600

/** The first root statement of a fleet; `now` in milliseconds. */
export async function signFirstRoot(
  fleet: string,
  keys: FleetKeys,
  now: number,
): Promise<SignedRoot> {
  const role = (key: SigningKey) => ({ keys: [key.publicKey], threshold: 1 })
  const root: Root = {
    v: 1,
    fleet,
    version: 1,
    epoch: 1,
    expiresAt: Math.floor(now / 1000) + yearSeconds,
    roles: {
      root: role(keys.root),
      snapshot: role(keys.snapshot),
      freshness: role(keys.freshness),
      approver: { keys: [], threshold: 1 },
    },
    policies: [],
  }
  const { envelope } = await signStatement('root', root, [keys.root])
  return { root, envelope, digest: digestOf(envelope) }
}
