import type { FastifyRequest } from 'fastify'
import type { Action } from '../access/action.ts'
import { isAllowed, type Principal, type Role, roles } from '../access/principal.ts'
import { HubError } from '../errors.ts'
import type { Hub } from './hub.ts'
import { limitHub } from './limit.ts'
import type { Session } from './session.ts'

/** The whole `Authorization` header → who that is; undefined for anything that does not hold. */
export type Authenticate = (
  header: string,
) => Principal | undefined | Promise<Principal | undefined>

/**
 * What a route asks of its caller: a role over the whole fleet, an action on an application, or
 * only to be known. Every route states one; a route without one stops the start.
 */
export type Policy = 'public' | 'known' | Role | Action

declare module 'fastify' {
  interface FastifyContextConfig {
    policy?: Policy
    /** The answer gets an ETag, and If-None-Match is honoured. */
    etag?: boolean
    /** A stranger's call costs something that is bounded: few of one address are taken. */
    throttled?: boolean
  }
  interface FastifyRequest {
    principal: Principal | null
    /** As the caller may see and use it; on every route whose policy is not public. */
    hub: Hub
    /** Of a caller that came with a session's cookie. */
    session: Session | null
    /** Judges the caller once more, as of now: false ends what was begun for them. */
    stillAllowed: (() => Promise<boolean>) | null
  }
}

export interface AuthDeps {
  readonly hub: Hub
  readonly authenticate: Authenticate
  /** Browsers that logged in. */
  readonly sessions?: {
    /** The cookie's value → its session, if that is still good. */
    find(cookie: string): Promise<Session | undefined>
    /** What browsers name as the origin of requests of our own pages. */
    readonly origin: string
  }
}

/**
 * Decides on the matched route, never on the text of the path (T36), and denies by default: a
 * path that matches nothing needs a login before it is told so (T34).
 * @throws HubError `unauthenticated`, `forbidden`, `not_ready`
 */
export async function authorize(request: FastifyRequest, deps: AuthDeps): Promise<void> {
  const policy = request.is404 ? 'known' : (request.routeOptions.config.policy ?? 'admin')
  if (policy === 'public') return
  const principal = await identify(request, deps)
  if (!principal) {
    throw new HubError('unauthenticated', 'Send `Authorization: Bearer TOKEN` with a valid token')
  }
  assertMay(deps.hub, principal, policy)
  request.principal = principal
  request.hub = limitHub(deps.hub, deps.hub.rights(principal))
  request.stillAllowed = async () => {
    const now = await identify(request, deps)
    if (!now || !isSame(now, principal)) return false
    try {
      assertMay(deps.hub, now, policy)
      return true
    } catch {
      return false
    }
  }
}

/** Who asks, on a route whose policy is not public. */
export function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new HubError('unauthenticated', 'No principal on this request')
  return request.principal
}

async function identify(
  request: FastifyRequest,
  { authenticate, sessions }: AuthDeps,
): Promise<Principal | undefined> {
  if (request.raw.headers.authorization !== undefined) {
    const header = bearerHeader(request)
    return header === undefined ? undefined : authenticate(header)
  }
  const cookie = sessions && sessionCookie(request.headers.cookie, sessionCookieName)
  if (!sessions || cookie === undefined) return undefined
  const session = await sessions.find(cookie)
  if (!session) return undefined
  assertOwnPage(request, session, sessions.origin)
  request.session = session
  return session.principal
}

/**
 * Whether this may be done to anything at all; to what exactly, `limitHub` judges. The answer is
 * the same for what exists and what does not.
 */
function assertMay(hub: Hub, principal: Principal, policy: Exclude<Policy, 'public'>): void {
  const you = principal.role === null ? 'of no role in the fleet' : principal.role
  if (policy === 'known') return
  if (isRole(policy)) {
    if (isAllowed(principal, policy)) return
    throw new HubError('forbidden', `This needs the role ${policy}; you are ${you}`)
  }
  const rights = hub.rights(principal)
  if (rights.mayAnywhere(policy)) return
  if (!rights.isKnown()) {
    throw new HubError(
      'not_ready',
      'the fleet repository, which says who may what, was not read yet',
    )
  }
  throw new HubError('forbidden', `This needs the action ${policy}; you are ${you}`)
}

/**
 * A browser sends its cookie along with what any page asks of us. What changes something has to
 * come from a page of ours, and to name what only such a page can read (B80).
 */
function assertOwnPage(request: FastifyRequest, session: Session, origin: string): void {
  if (request.method === 'GET' || request.method === 'HEAD') return
  const from = request.headers.origin
  const token = request.headers['x-csrf-token']
  if (from === origin && token === session.csrf) return
  throw new HubError('forbidden', 'This did not come from a page of the hub')
}

function isRole(policy: Role | Action): policy is Role {
  return roles.some((role) => role === policy)
}

/** Two headers would let a proxy and the hub see different callers. */
function bearerHeader(request: FastifyRequest): string | undefined {
  const raw = request.raw.rawHeaders
  const given = raw.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'authorization')
  return given.length === 1 ? request.headers.authorization : undefined
}

export const sessionCookieName = '__Host-groundswell'

/** A cookie's value; undefined too where two are sent: something else may have set one of them. */
export function sessionCookie(header: string | undefined, name: string): string | undefined {
  const given = (header ?? '')
    .split(';')
    .map((one) => one.trim())
    .filter((one) => one.startsWith(`${name}=`))
  return given.length === 1 ? given[0]!.slice(name.length + 1) : undefined
}

function isSame(one: Principal, other: Principal): boolean {
  return (
    one.actor === other.actor &&
    one.role === other.role &&
    [...(one.groups ?? [])].sort().join('\n') === [...(other.groups ?? [])].sort().join('\n')
  )
}
