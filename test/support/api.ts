import { pino } from 'pino'
import { type Api, buildServer } from '../../hub/api/http.ts'
import type { Authenticate } from '../../hub/api/auth.ts'
import { createFakeHub, type FakeHub } from './fake-hub.ts'

/** Each token is its role's name; `revoked` can be taken away while a test runs. */
export const tokens = { viewer: 'viewer', operator: 'operator', admin: 'admin' } as const

export interface TestApi extends AsyncDisposable {
  readonly api: Api
  readonly hub: FakeHub
  /** Tokens that no longer hold. */
  readonly revoked: Set<string>
}

/** The real API over the fake hub, not listening. */
export async function startApi(heartbeat = 10_000, requestTimeout = 30_000): Promise<TestApi> {
  const hub = createFakeHub()
  const revoked = new Set<string>()
  const authenticate: Authenticate = (header) => {
    const role = header.replace(/^Bearer /, '')
    if (!Object.hasOwn(tokens, role) || revoked.has(role)) return undefined
    return { actor: `${role}@example`, role: role as keyof typeof tokens }
  }
  const api = buildServer({
    hub,
    authenticate,
    log: pino({ level: 'silent' }),
    metrics: { contentType: 'text/plain; version=0.0.4', metrics: async () => 'up 1\n' },
    version: '9.9.9',
    heartbeat,
    drain: 250,
    requestTimeout,
  })
  await api.ready()
  return { api, hub, revoked, [Symbol.asyncDispose]: () => api.close() }
}
