import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'
import { freePort } from './free-port.ts'

export interface IdentityProvider extends AsyncDisposable {
  readonly issuer: string
  readonly clientSecret: string
  /** Account → its groups; a test may change them while it runs. */
  readonly groups: Map<string, string[]>
  /** Answers nothing from now on. */
  stop(): Promise<void>
}

/** A real OpenID Connect provider on loopback: accounts have any password. */
export async function startIdentityProvider(options: {
  /** Of the hub's browser login. */
  readonly redirect?: string
  /** Seconds an ID token holds. */
  readonly tokenSeconds?: number
}): Promise<IdentityProvider> {
  const issuer = `http://127.0.0.1:${await freePort()}`
  const clientSecret = 'a-secret-of-the-hub-and-its-provider'
  const groups = new Map<string, string[]>()
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] },
    cookies: { keys: ['signs-cookies-of-the-test'] },
    clients: [
      {
        client_id: 'hub',
        client_secret: clientSecret,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [options.redirect ?? 'https://hub.example/auth/callback'],
        id_token_signed_response_alg: 'ES256',
      },
      {
        client_id: 'swell',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    features: {
      deviceFlow: { enabled: true },
      devInteractions: { enabled: true },
      revocation: { enabled: true },
    },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], groups: ['groups'], profile: ['name'], email: ['email'] },
    // Groups belong into the ID token: the hub asks nowhere else.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    ttl: {
      ...{ AccessToken: 600, AuthorizationCode: 60, DeviceCode: 60, Grant: 3_600, Session: 3_600 },
      ...{ IdToken: options.tokenSeconds ?? 600, Interaction: 600, RefreshToken: 3_600 },
    },
    findAccount: (_: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({
        ...{ sub, name: sub, groups: groups.get(sub) ?? [] },
        ...(sub.includes('@') && { email: sub }),
      }),
    }),
  })
  const answer = provider.callback()
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) =>
    server.listen(Number(new URL(issuer).port), '127.0.0.1', resolve),
  )
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  return { issuer, clientSecret, groups, stop, [Symbol.asyncDispose]: stop }
}

/** A browser without scripts: it keeps cookies, follows redirects and fills in forms. */
export function createBrowser(account: string) {
  const cookies = new Map<string, string>()

  async function request(url: string, init: RequestInit = {}): Promise<Response> {
    const { host } = new URL(url)
    const mine = [...cookies].filter(([key]) => key.startsWith(`${host} `))
    const cookie = mine.map(([key, value]) => `${key.slice(host.length + 1)}=${value}`).join('; ')
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: {
        ...(init.headers as Record<string, string> | undefined),
        ...(cookie && { cookie }),
      },
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '' || /max-age=0|expires=thu, 01 jan 1970/i.test(line)) {
        cookies.delete(`${host} ${name}`)
      } else cookies.set(`${host} ${name}`, value)
    }
    return response
  }

  /** Goes on, logging in and agreeing to all, until a page has nothing to fill in, or `stopAt`. */
  async function go(from: string, stopAt: (url: string) => boolean): Promise<string> {
    let url = from
    let response = await request(url)
    for (let steps = 0; steps < 30; steps++) {
      const to = response.headers.get('location')
      if (to !== null) {
        url = new URL(to, url).href
        if (stopAt(url)) return url
        response = await request(url)
        continue
      }
      const page = await response.text()
      const form = /<form[^>]*action="([^"]+)"[^>]*>([^]*?)<\/form>/.exec(page)
      if (!form) return page
      const fields = new URLSearchParams()
      for (const [input] of form[2]!.matchAll(/<(?:input|button)[^>]*>/g)) {
        const name = /name="([^"]+)"/.exec(input)?.[1]
        if (name === undefined || /name="abort"/.test(input)) continue
        fields.set(name, /value="([^"]*)"/.exec(input)?.[1] ?? '')
      }
      if (fields.has('login')) fields.set('login', account)
      if (fields.has('password')) fields.set('password', 'any')
      url = new URL(form[1]!.replaceAll('&amp;', '&'), url).href
      response = await request(url, {
        method: 'POST',
        body: fields.toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
    }
    throw new Error(`no end after 30 steps: ${url}`)
  }

  return { request, go, cookies }
}
