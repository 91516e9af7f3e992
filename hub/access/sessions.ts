import { createHash } from 'node:crypto'
import type { Session } from '../api/session.ts'
import { HubError } from '../errors.ts'
import type { Issuer, LoginStart } from './oidc.ts'
import type { Principal } from './principal.ts'

const minuteMs = 60_000
/** Somebody who opened the login page and never came back is forgotten. */
const loginMs = 10 * minuteMs
/** A working day; then the provider is asked anew, which mostly takes no typing. */
const longestMs = 12 * 60 * minuteMs
/** So long a group that somebody left, or an account that was closed, may still count. */
const renewMs = 5 * minuteMs
/** Until a provider that is away is asked again: whoever asks waits for its answer. */
const awayMs = minuteMs / 2
/** More than the 20 a second that one address may begin until they are forgotten: others are not pushed out. */
const mostLogins = 15_000
const mostSessions = 5_000
/** Of one person: whoever logs in again and again pushes out nobody else. */
const mostEach = 20

/**
 * Browsers that logged in. They are in memory: nothing on disk or in Redis can be stolen or forged,
 * and after a restart the provider, which knows the browser, lets it in again.
 */
export interface Sessions {
  readonly origin: string
  /** Starts a login: where to send the browser, and what to give it to come back with. */
  begin(returnTo: string): Promise<{ readonly url: URL; readonly login: string }>
  /**
   * @param query of the address that the provider sent the browser to
   * @throws HubError `unauthenticated`
   */
  finish(
    login: string,
    query: string,
  ): Promise<{ readonly cookie: string; readonly returnTo: string }>
  find(cookie: string): Promise<Session | undefined>
  end(cookie: string): void
}

export interface SessionsDeps {
  readonly issuer: Pick<Issuer, 'startLogin' | 'finishLogin' | 'renew'>
  /** An ID token → who it is of, if it holds. */
  readonly verify: (idToken: string) => Promise<Principal | undefined>
  readonly origin: string
  readonly clock: () => number
  readonly random: (bytes: number) => Buffer
}

interface Live {
  session: Session
  refreshToken: string | undefined
  readonly endsAt: number
  renewAt: number
  renewing: Promise<void> | undefined
}

export const callbackPath = '/auth/callback'

export function createSessions(deps: SessionsDeps): Sessions {
  const { issuer, verify, origin, clock } = deps
  const logins = new Map<string, LoginStart & { readonly at: number; readonly returnTo: string }>()
  const live = new Map<string, Live>()
  const newId = (): string => deps.random(32).toString('base64url')

  async function renew(key: string, one: Live): Promise<void> {
    try {
      const { idToken, refreshToken } = await issuer.renew(one.refreshToken!)
      const principal = await verify(idToken)
      // OpenID Connect Core 1.0, §12.2: a session is one person's, whoever a provider takes them for later.
      if (principal?.actor !== one.session.principal.actor) {
        throw new HubError('unauthenticated', 'the new token does not hold')
      }
      one.session = { ...one.session, principal }
      one.refreshToken = refreshToken ?? one.refreshToken
      one.renewAt = clock() + renewMs
    } catch (error) {
      // A provider that is away has refused nothing: the session holds while its token does.
      const away = error instanceof HubError && error.code === 'issuer_unavailable'
      if (!away || isOver(one)) live.delete(key)
      one.renewAt = clock() + awayMs
    }
  }

  function isOver({ session, endsAt }: Live): boolean {
    return Math.min(endsAt, session.principal.expiresAt ?? 0) <= clock()
  }

  return {
    origin,
    async begin(returnTo) {
      for (const [id, { at }] of logins) {
        if (at + loginMs > clock() && logins.size < mostLogins) break
        logins.delete(id)
      }
      const started = await issuer.startLogin(`${origin}${callbackPath}`)
      const login = newId()
      logins.set(login, { ...started, at: clock(), returnTo: localPath(returnTo) })
      return { url: started.url, login }
    },
    async finish(login, query) {
      const started = logins.get(login)
      // Used up, whatever comes of it.
      logins.delete(login)
      if (!started || started.at + loginMs <= clock()) {
        throw new HubError('unauthenticated', 'this login was not begun here, or too long ago')
      }
      const at = new URL(`${origin}${callbackPath}${query}`)
      const { idToken, refreshToken } = await issuer.finishLogin(at, started)
      const principal = await verify(idToken)
      if (!principal) throw new HubError('unauthenticated', "the provider's token does not hold")
      const mine = [...live].filter(
        ([, { session }]) => session.principal.actor === principal.actor,
      )
      for (const [key] of mine.slice(0, Math.max(0, mine.length + 1 - mostEach))) live.delete(key)
      for (const [key, one] of live) {
        if (!isOver(one) && live.size < mostSessions) break
        live.delete(key)
      }
      const cookie = newId()
      live.set(keyOf(cookie), {
        session: { principal, csrf: newId() },
        refreshToken,
        endsAt: clock() + longestMs,
        renewAt: refreshToken === undefined ? Infinity : clock() + renewMs,
        renewing: undefined,
      })
      return { cookie, returnTo: started.returnTo }
    },
    async find(cookie) {
      const key = keyOf(cookie)
      const one = live.get(key)
      if (!one) return undefined
      if (one.endsAt > clock() && one.renewAt <= clock()) {
        one.renewing ??= renew(key, one).finally(() => (one.renewing = undefined))
        await one.renewing
      }
      if (isOver(one)) live.delete(key)
      return live.get(key)?.session
    },
    end: (cookie) => void live.delete(keyOf(cookie)),
  }
}

/** Only a path of ours: the hub sends nobody elsewhere. */
function localPath(text: string): string {
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(text) && !text.includes('\\') ? text : '/'
}

function keyOf(cookie: string): string {
  return createHash('sha256').update(cookie).digest('base64url')
}
