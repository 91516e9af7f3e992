import type { WhoView } from '../../api/access-view.ts'
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

interface Answer<T> {
  readonly value: T
  /** Names the version that was read, for actions that must not go by an older one. */
  readonly etag: string | null
}

/** @throws ApiError */
async function call(path: string, init: RequestInit, as = session.value): Promise<Response> {
  const headers = new Headers(init.headers)
  if (as?.kind === 'token') headers.set('authorization', `Bearer ${as.token}`)
  if (as?.kind === 'cookie') headers.set('x-csrf-token', as.csrf)
  const signal = init.signal ?? AbortSignal.timeout(deadlineMs)
  const response = await fetch(path.startsWith('/') ? path : `/api/v1/${path}`, {
    ...init,
    headers,
    signal,
  }).catch((cause: unknown) => {
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
  if (session.value?.kind === 'cookie') await call('/auth/logout', { method: 'POST' })
  signOut()
}

async function askWho(as: Session | null): Promise<WhoView | null> {
  try {
    return (await (await call('whoami', {}, as)).json()) as WhoView
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null
    throw error
  }
}

/** @throws ApiError */
export async function get<T>(path: string): Promise<T> {
  return (await read<T>(path)).value
}

/** @throws ApiError */
export async function read<T>(path: string): Promise<Answer<T>> {
  const response = await call(path, {})
  return { value: (await response.json()) as T, etag: response.headers.get('etag') }
}

/** With an ETag, refused with 412 when what it is about has moved on since. @throws ApiError */
export async function post<T>(path: string, body: object, etag?: string | null): Promise<T> {
  const response = await call(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...(etag ? { 'if-match': etag } : {}) },
  })
  return (response.status === 204 ? undefined : await response.json()) as T
}

/** The bytes of an endless answer, until the signal fires. @throws ApiError */
export async function open(
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const response = await call(path, { headers: { ...headers }, signal })
  if (!response.body) throw new ApiError(0, 'the hub sent no stream')
  return response.body
}

/** A text as one step of a path. */
export const step = (text: string): string => encodeURIComponent(text)
