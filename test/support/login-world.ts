import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DashboardFiles } from '../../hub/api/dashboard-files.ts'
import { openLogin } from '../../hub/wiring/login.ts'
import { makeAccess } from './access.ts'
import { startApi, type TestApi } from './api.ts'
import { freePort } from './free-port.ts'
import { startIdentityProvider } from './identity-provider.ts'

/** The real API over the fake hub, with people whom a real provider logs in. */
export interface LoginWorld extends AsyncDisposable {
  readonly test: TestApi
  readonly origin: string
  readonly provider: Awaited<ReturnType<typeof startIdentityProvider>>
  advance(ms: number): void
}

/** `ada` is an administrator by her group, `sel` may pause the shop. */
export async function startLoginWorld(dashboard?: DashboardFiles): Promise<LoginWorld> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const provider = await startIdentityProvider({ redirect: `${origin}/auth/callback` })
  provider.groups.set('ada', ['platform'])
  provider.groups.set('sel', ['sellers'])
  const folder = await mkdtemp(join(tmpdir(), 'oidc-'))
  await writeFile(join(folder, 'secret'), `${provider.clientSecret}\n`)
  const setting = {
    ...{ issuer: provider.issuer, clientId: 'hub', cliClientId: 'swell', url: origin },
    ...{ clientSecretFile: join(folder, 'secret'), roles: { admin: ['platform'] } },
  }
  await writeFile(join(folder, 'oidc.yaml'), JSON.stringify(setting))
  let ahead = 0
  const people = openLogin(join(folder, 'oidc.yaml'), () => Date.now() + ahead)
  const test = await startApi(50, 30_000, dashboard, { people })
  test.hub.access = makeAccess({
    applications: { shop: 'store' },
    roles: { store: [{ name: 'all', groups: ['sellers'], allow: [{ actions: ['pause'] }] }] },
  })
  await test.api.listen({ host: '127.0.0.1', port })
  return {
    ...{ test, origin, provider },
    advance: (ms) => (ahead += ms),
    async [Symbol.asyncDispose]() {
      await test[Symbol.asyncDispose]()
      await provider.stop()
      await rm(folder, { recursive: true })
    },
  }
}
