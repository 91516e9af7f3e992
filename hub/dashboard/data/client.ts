import type { WhoView } from '../../client/gen/api.ts'
import { type Answer, type Asked, type OperationId, buildRequest } from '../../client/request.ts'
import { type Session, session, signOut } from '../session.ts'

/** What the hub answered instead: an RFC 9457 problem, or that it was not reached (status 0). */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const deadlineMs = 20_000

interface Versioned<T> {
  readonly value: T
  /** Names the version that was read, for actions that must not go by an older one. */
  readonly etag: string | null
}

/** @throws ApiError */
async function send(path: string, init: RequestInit, as = session.value): Promise<Response> {
  const headers = new Headers(init.headers)
  if (as?.kind === 'token') headers.set('authorization', `Bearer ${as.token}`)
  if (as?.kind === 'cookie') headers.set('x-csrf-token', as.csrf)
  const signal = init.signal ?? AbortSignal.timeout(deadlineMs)
  const response = await fetch(path, { ...init, headers, signal }).catch((cause: unknown) => {
    throw new ApiError(0, `the hub is not reached: ${(cause as Error).message}`)
  })
  if (response.ok) return response
  if (response.status === 401 && as === session.value) signOut()
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; title?: string }
  throw new ApiError(
    response.status,
    problem.detail ?? problem.title ?? `the hub answered ${response.status}`,
  )
}

/** Whether the hub knows a token. @throws ApiError when it cannot be asked */
export async function isKnown(token: string): Promise<boolean> {
  return (await askWho({ kind: 'token', token })) !== null
}

/** The session that a login by the identity provider left in this browser, if there is one. */
export async function findSession(): Promise<Session | null> {
  const who = await askWho(null)
  return who?.csrf ? { kind: 'cookie', csrf: who.csrf } : null
}

/** Ends the session at the hub as well; a token is only forgotten here. */
export async function leave(): Promise<void> {
  if (session.value?.kind === 'cookie') await send('/auth/logout', { method: 'POST' })
  signOut()
}

async function askWho(as: Session | null): Promise<WhoView | null> {
  try {
    const { path } = buildRequest('getCaller', {})
    return (await (await send(path, {}, as)).json()) as WhoView
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null
    throw error
  }
}

/** @param patience milliseconds; more than usual for what takes long @throws ApiError */
export async function call<K extends OperationId>(
  id: K,
  asked: Asked<K>,
  patience = deadlineMs,
): Promise<Answer<K>> {
  return (await read(id, asked, null, patience)).value
}

/**
 * With its ETag; and given one, refused with 412 when what it is about has moved on since.
 *
 * @throws ApiError
 */
export async function read<K extends OperationId>(
  id: K,
  asked: Asked<K>,
  etag?: string | null,
  patience = deadlineMs,
): Promise<Versioned<Answer<K>>> {
  const { method, path, body } = buildRequest(id, asked)
  const response = await send(path, {
    method,
    signal: AbortSignal.timeout(patience),
    ...(body !== undefined && { body: JSON.stringify(body) }),
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(etag ? { 'if-match': etag } : {}),
    },
  })
  const value = (response.status === 204 ? undefined : await response.json()) as Answer<K>
  return { value, etag: response.headers.get('etag') }
}

/** The bytes of an endless answer, until the signal fires. @throws ApiError */
export async function open(
  id: OperationId,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const response = await send(buildRequest(id, {}).path, { headers: { ...headers }, signal })
  if (!response.body) throw new ApiError(0, 'the hub sent no stream')
  return response.body
}
