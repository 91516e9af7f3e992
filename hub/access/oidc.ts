import { createRemoteJWKSet, customFetch as joseFetch, type JWTVerifyGetKey } from 'jose'
import * as client from 'openid-client'
import { HubError } from '../errors.ts'
import { type IssuerSetting, isTrustworthy } from './issuer-setting.ts'

/** Milliseconds for one answer of the provider. */
const patience = 5_000
/** Milliseconds after which a provider that could not be reached is tried again. */
const retryAfter = 2_000

export interface LoginStart {
  readonly url: URL
  readonly verifier: string
  readonly state: string
  readonly nonce: string
}

/** What a provider gave for a login: its ID token, and what renews it if it gives that. */
export interface LoginTokens {
  readonly idToken: string
  readonly refreshToken: string | undefined
}

/** The identity provider. Each call throws HubError `issuer_unavailable` when it cannot be asked. */
export interface Issuer {
  /** Its keys; asked for again when a token names one that is not known. */
  readonly keys: JWTVerifyGetKey
  /** Where a browser is sent to log in: authorization code with PKCE. */
  startLogin(redirect: string): Promise<LoginStart>
  /** @throws HubError `unauthenticated` when the provider or the checks refuse */
  finishLogin(
    at: URL,
    started: Pick<LoginStart, 'verifier' | 'state' | 'nonce'>,
  ): Promise<LoginTokens>
  /** @throws HubError `unauthenticated` when the login counts no longer */
  renew(refreshToken: string): Promise<LoginTokens>
}

export function createIssuer(
  setting: IssuerSetting,
  secrets: { readonly clientSecret?: string; readonly ca?: string },
  monotonic: () => number,
): Issuer {
  let opened: ReturnType<typeof open> | undefined

  /** With the first request: a hub that starts has agents waiting. */
  async function open() {
    const { Agent, fetch } = await import('../undici.ts')
    const dispatcher = new Agent({
      connect: { ...(secrets.ca !== undefined && { ca: secrets.ca }) },
      headersTimeout: patience,
      bodyTimeout: patience,
    })
    return { fetch, dispatcher }
  }

  const fetchAnswer = async (url: string, init: object): Promise<Response> => {
    const { fetch, dispatcher } = await (opened ??= open())
    return fetch(url, { ...init, dispatcher, redirect: 'manual' })
  }

  let known: Promise<{ config: client.Configuration; keys: JWTVerifyGetKey }> | undefined
  let failedAt = -Infinity

  async function discover() {
    const insecure = setting.issuer.startsWith('http:')
    const config = await client.discovery(
      new URL(setting.issuer),
      setting.clientId,
      undefined,
      secrets.clientSecret === undefined
        ? client.None()
        : client.ClientSecretBasic(secrets.clientSecret),
      {
        [client.customFetch]: fetchAnswer,
        timeout: patience / 1_000,
        execute: insecure ? [client.allowInsecureRequests] : [],
      },
    )
    const { jwks_uri: at } = config.serverMetadata()
    const url = URL.parse(at ?? '')
    // TLS is what makes its keys the provider's.
    if (!isTrustworthy(url) || (url.protocol === 'http:' && !insecure)) {
      throw new HubError('issuer_unavailable', 'the identity provider names no keys by https')
    }
    const keys = createRemoteJWKSet(url, {
      timeoutDuration: patience,
      cooldownDuration: 30_000,
      cacheMaxAge: 10 * 60_000,
      [joseFetch]: fetchAnswer,
    })
    return { config, keys }
  }

  async function reach() {
    if (!known) {
      if (monotonic() - failedAt < retryAfter) throw unavailable()
      known = discover()
      known.catch(() => {
        failedAt = monotonic()
        known = undefined
      })
    }
    return known.catch((cause: unknown) => {
      throw cause instanceof HubError ? cause : unavailable(cause)
    })
  }

  /** What the provider answers is about the login; anything else is about reaching it. */
  async function redeem(
    grant: (
      config: client.Configuration,
    ) => Promise<client.TokenEndpointResponse & client.TokenEndpointResponseHelpers>,
  ): Promise<LoginTokens> {
    const { config } = await reach()
    try {
      const { id_token: idToken, refresh_token: refreshToken } = await grant(config)
      if (idToken === undefined) throw refused()
      return { idToken, refreshToken }
    } catch (cause) {
      if (cause instanceof HubError) throw cause
      if (cause instanceof client.ClientError && cause.code === 'OAUTH_TIMEOUT') {
        throw unavailable(cause)
      }
      if (cause instanceof TypeError || hasFailed(cause)) throw unavailable(cause)
      throw refused(cause)
    }
  }

  return {
    keys: async (header, token) => {
      const { keys } = await reach()
      return keys(header, token)
    },
    async startLogin(redirect) {
      const { config } = await reach()
      const verifier = client.randomPKCECodeVerifier()
      const state = client.randomState()
      const nonce = client.randomNonce()
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirect,
        scope: setting.scopes.join(' '),
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
        ...(setting.scopes.includes('offline_access') && { prompt: 'consent' }),
      })
      return { url, verifier, state, nonce }
    },
    finishLogin: (at, { verifier, state, nonce }) =>
      redeem((config) =>
        client.authorizationCodeGrant(config, at, {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        }),
      ),
    renew: (refreshToken) => redeem((config) => client.refreshTokenGrant(config, refreshToken)),
  }
}

/** By the status of its answer: a provider that fails, or a proxy before it, has refused nobody. */
function hasFailed(error: unknown): boolean {
  const answer = error instanceof client.ClientError ? error.cause : error
  const { status } = (answer ?? {}) as { readonly status?: unknown }
  return typeof status === 'number' && (status >= 500 || status === 429)
}

function unavailable(cause?: unknown): HubError {
  return new HubError('issuer_unavailable', 'the identity provider cannot be reached', { cause })
}

function refused(cause?: unknown): HubError {
  return new HubError('unauthenticated', 'the identity provider did not vouch for you', { cause })
}
