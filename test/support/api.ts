import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import type { Principal } from '../../hub/access/principal.ts'
import { createApiTokens, type ApiTokens } from '../../hub/access/api-tokens.ts'
import { type Api, type ApiOptions, buildServer } from '../../hub/api/http.ts'
import type { DashboardFiles } from '../../hub/api/dashboard-files.ts'
import type { Authenticate } from '../../hub/api/auth.ts'
import type { LoginDeps } from '../../hub/api/routes/login.ts'
import { createApiTokenAuthentication, firstOf } from '../../hub/api/token.ts'
import { createLogTail } from '../../hub/log-tail.ts'
import { describeProcess } from '../../hub/wiring/support.ts'
import { createMemoryIdempotency } from './memory-idempotency.ts'
import { createMemoryRegister } from './memory-register.ts'
import { createFakeHub, type FakeHub } from './fake-hub.ts'

/** Each token is its role's name; `revoked` can be taken away while a test runs. */
export const tokens = { viewer: 'viewer', operator: 'operator', admin: 'admin' } as const

export interface TestApi extends AsyncDisposable {
  readonly api: Api
  readonly hub: FakeHub
  /** Tokens that no longer hold. */
  readonly revoked: Set<string>
  /** Further callers by token; a test may add some, and change them while it runs. */
  readonly callers: Map<string, Principal>
  readonly tokens: ApiTokens
  readonly idempotency: ReturnType<typeof createMemoryIdempotency>
}

export interface ApiMore {
  /** No limit to speak of when left out. */
  readonly rate?: ApiOptions['rate']
  /** Without it there are no routes under /trust. */
  readonly trust?: ApiOptions['trust']
  /** People by an identity provider. */
  readonly people?: {
    readonly authenticate: Authenticate
    readonly login: LoginDeps | undefined
  }
}

/** The real API over the fake hub, not listening. */
export async function startApi(
  heartbeat = 10_000,
  requestTimeout = 30_000,
  dashboard?: DashboardFiles,
  { people, rate, trust }: ApiMore = {},
): Promise<TestApi> {
  const hub = createFakeHub()
  const revoked = new Set<string>()
  const callers = new Map<string, Principal>()
  const apiTokens = createApiTokens({
    register: createMemoryRegister(),
    clock: Date.now,
    random: randomBytes,
  })
  const idempotency = createMemoryIdempotency()
  const authenticate: Authenticate = (header) => {
    const role = header.replace(/^Bearer /, '')
    const caller = callers.get(role)
    if (caller) return caller
    if (!Object.hasOwn(tokens, role) || revoked.has(role)) return undefined
    return { actor: `${role}@example`, role: role as keyof typeof tokens }
  }
  const api = buildServer({
    hub,
    idempotency,
    rate: rate ?? { perCaller: 1e9, perSecond: 1e9, strangers: 1e9 },
    tokens: apiTokens,
    authenticate: firstOf(
      authenticate,
      createApiTokenAuthentication(apiTokens),
      people?.authenticate ?? (() => undefined),
    ),
    login: people?.login,
    ...(trust && { trust }),
    log: pino({ level: 'silent' }),
    metrics: { contentType: 'text/plain; version=0.0.4', metrics: async () => 'up 1\n' },
    version: '9.9.9',
    support: () =>
      describeProcess(
        { version: '9.9.9', settings: {}, log: createLogTail() },
        async () => 'up 1\n',
        Date.now,
      ),
    heartbeat,
    drain: 250,
    requestTimeout,
    dashboard,
  })
  await api.ready()
  return {
    api,
    hub,
    revoked,
    callers,
    idempotency,
    tokens: apiTokens,
    [Symbol.asyncDispose]: () => api.close(),
  }
}
