import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { CliFailure } from './failure.ts'
import type { Terminal } from './terminal.ts'

/** A login that waits for somebody to confirm it in a browser, on any machine (RFC 8628). */
export interface DeviceLogin {
  readonly url: string
  readonly completeUrl: string | undefined
  readonly code: string
  finish(signal: AbortSignal): Promise<ProviderTokens>
}

export interface ProviderTokens {
  readonly idToken: string | undefined
  readonly accessToken: string
  readonly refreshToken: string | undefined
  /** Seconds since the epoch. */
  readonly idTokenExpiresAt: number | undefined
  readonly accessTokenSeconds: number | undefined
}

export interface Provider {
  start(scopes: readonly string[]): Promise<DeviceLogin>
  renew(refreshToken: string): Promise<ProviderTokens>
  revoke(token: string): Promise<void>
}

export type OpenProvider = (issuer: string, clientId: string) => Promise<Provider>

/** What is kept of a login, for its own hub and by the provider it was made with. */
const KeptLogin = Type.Object(
  {
    server: Type.String(),
    issuer: Type.String(),
    clientId: Type.String(),
    accept: Type.Union([Type.Literal('idToken'), Type.Literal('accessToken')]),
    token: Type.String(),
    refreshToken: Type.Optional(Type.String()),
    /** Milliseconds since the epoch. */
    expiresAt: Type.Number(),
  },
  { additionalProperties: false },
)
export type KeptLogin = Static<typeof KeptLogin>
const keptLogin = Compile(KeptLogin)

/** Renewed so long before it ends, so that it holds for what it is wanted for. Milliseconds. */
const ahead = 30_000

/** What a provider gave → what is kept. */
export function keepLogin(
  of: Pick<KeptLogin, 'server' | 'issuer' | 'clientId' | 'accept'>,
  tokens: ProviderTokens,
  now: number,
  before?: string,
): KeptLogin {
  const { server, issuer, clientId, accept } = of
  const token = accept === 'idToken' ? tokens.idToken : tokens.accessToken
  if (token === undefined) {
    throw new CliFailure(2, `${issuer} gave no ID token`, {
      hint: 'its client has to allow the scope openid',
    })
  }
  const refreshToken = tokens.refreshToken ?? before
  const expiresAt =
    accept === 'idToken'
      ? (tokens.idTokenExpiresAt ?? 0) * 1_000
      : now + (tokens.accessTokenSeconds ?? 60) * 1_000
  return {
    ...{ server, issuer, clientId, accept, token, expiresAt },
    ...(refreshToken !== undefined && { refreshToken }),
  }
}

export async function readLogin(
  path: string,
  terminal: Pick<Terminal, 'readFile'>,
): Promise<KeptLogin | undefined> {
  const text = await terminal.readFile(path)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (keptLogin.Check(value)) return value
  } catch {
    // Said below.
  }
  throw new CliFailure(2, `${path}: not a login of swell`, { hint: 'log in again: swell login' })
}

/**
 * A token that still holds, renewed if need be. It goes only to the hub it was made for.
 *
 * @throws CliFailure when there is no login, or it counts no longer
 */
export async function useLogin(
  path: string,
  server: string,
  terminal: Pick<Terminal, 'readFile' | 'replaceFile' | 'openProvider' | 'now'>,
): Promise<string> {
  const kept = await readLogin(path, terminal)
  if (!kept || kept.server !== server) {
    throw new CliFailure(2, `not logged in to ${server}`, { hint: 'swell login' })
  }
  if (kept.expiresAt - ahead > terminal.now()) return kept.token
  const over = (cause?: unknown) =>
    new CliFailure(2, `the login to ${server} has ended`, { hint: 'swell login', cause })
  if (kept.refreshToken === undefined) throw over()
  try {
    const provider = await terminal.openProvider(kept.issuer, kept.clientId)
    const tokens = await provider.renew(kept.refreshToken)
    const next = keepLogin(kept, tokens, terminal.now(), kept.refreshToken)
    await terminal.replaceFile(path, `${JSON.stringify(next)}\n`)
    return next.token
  } catch (cause) {
    // Another swell may have renewed it meanwhile; the provider takes each refresh token once.
    const other = await readLogin(path, terminal)
    if (other && other.token !== kept.token && other.expiresAt > terminal.now()) return other.token
    throw cause instanceof CliFailure ? cause : over(cause)
  }
}
