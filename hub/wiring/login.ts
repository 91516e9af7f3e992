import { randomBytes } from 'node:crypto'
import { verifyLogin } from '../access/login.ts'
import { createIssuer } from '../access/oidc.ts'
import { createSessions } from '../access/sessions.ts'
import type { Authenticate } from '../api/auth.ts'
import type { LoginDeps } from '../api/routes/login.ts'
import { HubError } from '../errors.ts'
import { readIssuer } from '../fs.ts'

/** People by their identity provider, where there is one. */
export function openLogin(
  path: string | undefined,
  clock: () => number,
): { readonly authenticate: Authenticate; readonly login: LoginDeps | undefined } {
  const given = readIssuer(path)
  if (!given) return { authenticate: () => undefined, login: undefined }
  const { setting } = given
  const issuer = createIssuer(setting, given, () => performance.now())

  async function verify(token: string, wanted = setting) {
    try {
      return await verifyLogin(token, issuer.keys, wanted, clock())
    } catch (cause) {
      if (cause instanceof HubError) throw cause
      throw new HubError('issuer_unavailable', "the provider's keys cannot be had", { cause })
    }
  }

  const sessions =
    setting.origin === undefined
      ? undefined
      : createSessions({
          issuer,
          // A browser's login brings an ID token, whatever callers of the API send.
          verify: (token) =>
            verify(token, { ...setting, accept: 'idToken', audiences: [setting.clientId] }),
          origin: setting.origin,
          clock,
          random: randomBytes,
        })
  return {
    authenticate: (header) => {
      const match = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(header)
      return match ? verify(match[1]!) : undefined
    },
    login: { setting, ...(sessions && { sessions }) },
  }
}
