import { Type } from 'typebox'
import type { IssuerSetting } from '../../access/issuer-setting.ts'
import { callbackPath, type Sessions } from '../../access/sessions.ts'
import { HubError } from '../../errors.ts'
import { LoginView } from '../access-view.ts'
import { sessionCookie, sessionCookieName } from '../auth.ts'
import type { Api } from '../http.ts'
import { answers, NoQuery, noContent, problem } from '../schemas.ts'

export interface LoginDeps {
  readonly setting: IssuerSetting
  /** Missing where browsers cannot log in. */
  readonly sessions?: Sessions
}

/** `__Host-`: this host alone sets and gets it, by TLS, for every path. */
const loginCookieName = '__Host-groundswell-login'
const cookieRules = 'Path=/; Secure; HttpOnly; SameSite=Lax'

/** How people log in by the identity provider: what `swell` needs to know, and browsers. */
export function addLoginRoutes(app: Api, login: LoginDeps | undefined): void {
  app.get('/api/v1/login', {
    config: { policy: 'public' },
    schema: {
      operationId: 'getLogin',
      summary: 'The identity provider that logs people in, if there is one',
      security: [],
      querystring: NoQuery,
      response: answers(200, LoginView),
    },
    handler: async () => ({
      issuer: login?.setting.issuer ?? null,
      clientId: login?.setting.cliClientId ?? null,
      scopes: [...(login?.setting.scopes ?? [])],
      accept: login?.setting.accept ?? 'idToken',
      browser: login?.sessions !== undefined,
    }),
  })
  const sessions = login?.sessions
  if (!sessions) return

  app.get('/auth/login', {
    config: { policy: 'public', throttled: true },
    schema: {
      operationId: 'startLogin',
      summary: 'Sends a browser to the identity provider',
      security: [],
      querystring: Type.Object(
        { return: Type.Optional(Type.String({ maxLength: 2_000 })) },
        { additionalProperties: false },
      ),
      response: redirect,
    },
    handler: async (request, reply) => {
      const { url, login: id } = await sessions.begin(request.query.return ?? '/')
      return reply
        .header('set-cookie', `${loginCookieName}=${id}; Max-Age=600; ${cookieRules}`)
        .header('cache-control', 'no-store')
        .redirect(url.href)
    },
  })

  app.get(callbackPath, {
    config: { policy: 'public' },
    schema: {
      operationId: 'finishLogin',
      summary: 'Where the identity provider sends a browser back to',
      security: [],
      response: redirect,
    },
    handler: async (request, reply) => {
      const id = sessionCookie(request.headers.cookie, loginCookieName)
      if (id === undefined) throw new HubError('unauthenticated', 'this login was not begun here')
      const query = /\?.*$/.exec(request.url)?.[0] ?? ''
      const { cookie, returnTo } = await sessions.finish(id, query)
      return reply
        .header('set-cookie', [
          `${sessionCookieName}=${cookie}; ${cookieRules}`,
          `${loginCookieName}=; Max-Age=0; ${cookieRules}`,
        ])
        .header('cache-control', 'no-store')
        .redirect(returnTo)
    },
  })

  app.post('/auth/logout', {
    config: { policy: 'known' },
    schema: {
      operationId: 'logOut',
      summary: "Ends a browser's session",
      response: noContent('there is no session any more'),
    },
    handler: async (request, reply) => {
      const cookie = sessionCookie(request.headers.cookie, sessionCookieName)
      if (request.session && cookie !== undefined) sessions.end(cookie)
      return reply
        .code(204)
        .header('set-cookie', `${sessionCookieName}=; Max-Age=0; ${cookieRules}`)
        .send()
    },
  })
}

const redirect = {
  302: Type.Unsafe({ type: 'null', description: 'to the provider, or back' }),
  ...problem,
}
