import { createHash, timingSafeEqual } from 'node:crypto'
import type { Authenticate } from './auth.ts'
import type { Principal } from './hub.ts'

export interface TokenGrant extends Principal {
  readonly token: string
}

/** Bearer tokens compared by digest, in constant time, every one of them each time. */
export function createTokenAuthentication(grants: readonly TokenGrant[]): Authenticate {
  const known = grants.map(({ token, actor, role }) => ({ hash: hash(token), actor, role }))
  return (header) => {
    const match = /^Bearer ([A-Za-z0-9._~+/=-]{1,512})$/.exec(header)
    const given = hash(match?.[1] ?? '')
    let found: Principal | undefined
    for (const { hash, actor, role } of known) {
      if (timingSafeEqual(hash, given) && match) found = { actor, role }
    }
    return found
  }
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
