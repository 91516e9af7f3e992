import { createHash, timingSafeEqual } from 'node:crypto'
import type { ApiTokens } from '../access/api-tokens.ts'
import type { Authenticate } from './auth.ts'
import type { Principal } from '../access/principal.ts'

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

/** Tokens that programs were given by this API. */
export function createApiTokenAuthentication(tokens: Pick<ApiTokens, 'find'>): Authenticate {
  return (header) => {
    const match = /^Bearer (gsw_[A-Za-z0-9_-]{1,100})$/.exec(header)
    return match ? tokens.find(match[1]!) : undefined
  }
}

/** The first that knows the caller decides. */
export function firstOf(...ways: readonly Authenticate[]): Authenticate {
  return async (header) => {
    for (const way of ways) {
      const found = await way(header)
      if (found) return found
    }
    return undefined
  }
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
