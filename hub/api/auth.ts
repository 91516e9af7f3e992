import type { FastifyRequest } from 'fastify'
import { HubError } from '../errors.ts'
import { isAllowed, type Principal, type Role } from './hub.ts'

/** The whole `Authorization` header → who that is; undefined for anything that does not hold. */
export type Authenticate = (
  header: string,
) => Principal | undefined | Promise<Principal | undefined>

/** What a route asks of its caller. Every route states one; a route without one stops the start. */
export type Policy = 'public' | Role

declare module 'fastify' {
  interface FastifyContextConfig {
    policy?: Policy
    /** The answer gets an ETag, and If-None-Match is honoured. */
    etag?: boolean
  }
  interface FastifyRequest {
    principal: Principal | null
  }
}

/**
 * Decides on the matched route, never on the text of the path (T36), and denies by default: a
 * path that matches nothing needs a token before it is told so (T34).
 * @throws HubError `unauthenticated`, `forbidden`
 */
export async function authorize(
  request: FastifyRequest,
  authenticate: Authenticate,
): Promise<void> {
  const policy = request.is404 ? undefined : request.routeOptions.config.policy
  if (policy === 'public') return
  const header = bearerHeader(request)
  const principal = header === undefined ? undefined : await authenticate(header)
  if (!principal) {
    throw new HubError('unauthenticated', 'Send `Authorization: Bearer TOKEN` with a valid token')
  }
  if (policy !== undefined && !isAllowed(principal, policy)) {
    throw new HubError('forbidden', `This needs the role ${policy}; you are ${principal.role}`)
  }
  request.principal = principal
}

/** Who asks, on a route whose policy is not public. */
export function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new HubError('unauthenticated', 'No principal on this request')
  return request.principal
}

/** Two headers would let a proxy and the hub see different callers. */
function bearerHeader(request: FastifyRequest): string | undefined {
  const raw = request.raw.rawHeaders
  const given = raw.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'authorization')
  return given.length === 1 ? request.headers.authorization : undefined
}
