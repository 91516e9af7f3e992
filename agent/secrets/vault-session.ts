import { isRecord } from '@groundswell/proto/record.ts'
import { AgentError } from '../errors.ts'

/** One question to Vault or OpenBao; `path` below `/v1/`. */
export interface VaultRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly token?: string
  readonly body?: object
  readonly signal: AbortSignal
}

export interface VaultAnswer {
  readonly status: number
  /** Undefined when it was not JSON. */
  readonly body: unknown
}

/** @throws AgentError `vault_unavailable` when no answer came; the signal's reason when aborted. */
export type SendToVault = (request: VaultRequest) => Promise<VaultAnswer>

export interface VaultLogin {
  /** Where the Kubernetes auth method is mounted, usually `kubernetes`. */
  readonly mount: string
  readonly role: string
  /** The token of the agent's ServiceAccount, as it is now. */
  readonly jwt: () => Promise<string>
}

interface Lease {
  readonly token: string
  /** Milliseconds of the clock; from `renewAt` on it is renewed, from `endsAt` on it is worth nothing. */
  readonly renewAt: number
  readonly endsAt: number
  readonly renewable: boolean
}

/** A token with no end is looked after once an hour all the same. */
const endlessSeconds = 3_600

/**
 * The token by which the agent reads: it logs in by Kubernetes auth, renews the token after two
 * thirds of its lease, and logs in anew when Vault will not renew it, as at its `max_ttl`.
 * `now` is of a clock that nobody sets.
 */
export function createVaultSession(send: SendToVault, login: VaultLogin, now: () => number) {
  let lease: Lease | undefined
  let opening: Promise<Lease> | undefined

  async function logIn(signal: AbortSignal): Promise<Lease> {
    const jwt = await login.jwt()
    const { role, mount } = login
    const body = { role, jwt: jwt.trim() }
    const answer = await send({ method: 'POST', path: `auth/${mount}/login`, body, signal })
    const found = readLease(answer)
    if (found) return found
    const message = `login as ${role} at auth/${mount} refused: ${sayAnswer(answer)}`
    throw new AgentError('vault_unavailable', `Vault: ${message}`)
  }

  async function renew(held: Lease, signal: AbortSignal): Promise<Lease> {
    const request = { method: 'POST', path: 'auth/token/renew-self', signal } as const
    const answer = await send({ ...request, token: held.token, body: {} })
    const found = readLease(answer)
    // Near its longest time Vault renews it by less and less.
    return found && found.endsAt > held.endsAt ? found : logIn(signal)
  }

  function readLease({ status, body }: VaultAnswer): Lease | undefined {
    const auth = isRecord(body) ? body['auth'] : undefined
    if (status !== 200 || !isRecord(auth)) return undefined
    const token = auth['client_token']
    if (typeof token !== 'string' || token === '') return undefined
    const ms = (Number(auth['lease_duration']) || endlessSeconds) * 1_000
    const at = now()
    return {
      token,
      renewAt: at + (ms * 2) / 3,
      endsAt: at + ms,
      renewable: auth['renewable'] === true,
    }
  }

  async function open(signal: AbortSignal): Promise<Lease> {
    const held = lease
    if (held && now() < held.renewAt) return held
    const isAlive = held?.renewable === true && now() < held.endsAt
    lease = isAlive ? await renew(held, signal) : await logIn(signal)
    return lease
  }

  return {
    /** A token to read by; those who ask at one time share one login. */
    async token(signal: AbortSignal): Promise<string> {
      opening ??= open(signal).finally(() => {
        opening = undefined
      })
      return (await opening).token
    },
    /** Vault did not take this token: the next is of a new login. */
    refuse(token: string): void {
      if (lease?.token === token) lease = undefined
    },
    /** Gives the token back, so that nothing is left of it. */
    async end(signal: AbortSignal): Promise<void> {
      const held = lease
      lease = undefined
      if (!held) return
      const request = { method: 'POST', path: 'auth/token/revoke-self', signal } as const
      await send({ ...request, token: held.token, body: {} })
    },
  }
}

export type VaultSession = ReturnType<typeof createVaultSession>

/** A refusal in Vault's own words, which name no values. */
export function sayAnswer({ status, body }: VaultAnswer): string {
  const errors = isRecord(body) && Array.isArray(body['errors']) ? body['errors'] : []
  const words = errors.filter((one): one is string => typeof one === 'string').join('; ')
  return words === ''
    ? `${status}`
    : `${status} ${words.replaceAll(/\s+/g, ' ').trim()}`.slice(0, 300)
}
