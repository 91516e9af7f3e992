import { HubError } from '../errors.ts'
import type { Register } from '../ledger/register.ts'
import { isPerson, type Principal, type Role } from './principal.ts'
import {
  formatApiToken,
  hashSecret,
  isSameHash,
  readApiToken,
  type ApiTokenRecord,
} from './api-token.ts'

/** Tokens that hold at a time. */
export const mostApiTokens = 500

export interface ApiTokenRequest {
  readonly name: string
  readonly role: Role | null
  readonly groups: readonly string[]
  /** Milliseconds. */
  readonly ttl: number
}

/** Bearer tokens for programs. Each is a decision in the ledger, and so is its end. */
export interface ApiTokens {
  /** Those that hold now, by name. */
  list(): readonly ApiTokenRecord[]
  /**
   * The token is shown by what this returns, and never again.
   *
   * @throws HubError `conflict` for a name that is taken, and when there are too many
   */
  create(
    request: ApiTokenRequest,
    by: Principal,
  ): Promise<{ readonly token: string; readonly record: ApiTokenRecord }>
  /** @throws HubError `not_found` */
  revoke(id: string, by: Principal): Promise<void>
  /** The holder of a token that holds now. */
  find(token: string): Principal | undefined
}

export interface ApiTokensDeps {
  readonly register: Pick<Register, 'state' | 'append'>
  readonly clock: () => number
  /** That many bytes nobody can guess. */
  readonly random: (bytes: number) => Buffer
}

export function createApiTokens({ register, clock, random }: ApiTokensDeps): ApiTokens {
  const known = register.state.apiTokens
  const holds = (record: ApiTokenRecord): boolean => record.expiresAt > clock()

  function list(): readonly ApiTokenRecord[] {
    return [...known.values()].filter(holds).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  return {
    list,
    async create({ name, role, groups, ttl }, by) {
      const held = list()
      if (held.some((one) => one.name === name)) {
        throw new HubError('conflict', `there is a token ${name} already; revoke it first`)
      }
      if (held.length >= mostApiTokens) {
        throw new HubError('conflict', `there are ${mostApiTokens} tokens; revoke some first`)
      }
      const id = [...random(12)].map((byte) => (byte % 36).toString(36)).join('')
      const secret = random(32)
      const expiresAt = clock() + ttl
      const maker = makerOf(by)
      const hash = hashSecret(secret)
      const record = { id, name, hash, role, groups, expiresAt, ...(maker && { maker }) }
      await register.append(by.actor, [{ type: 'apiToken.created', token: record }])
      return { token: formatApiToken(id, secret), record }
    },
    async revoke(id, by) {
      const record = known.get(id)
      if (!record || !holds(record)) throw new HubError('not_found', `there is no token ${id}`)
      const { name } = record
      await register.append(by.actor, [{ type: 'apiToken.revoked', id, name }])
    },
    find(token) {
      const given = readApiToken(token)
      const record = given && known.get(given.id)
      if (!record || !isSameHash(record.hash, given.hash) || !holds(record)) return undefined
      const { name, role, groups, expiresAt, maker } = record
      const made = maker && { madeBy: maker.actor, names: [maker.actor, ...maker.names] }
      return { actor: `token:${name}`, role, groups, expiresAt, ...made }
    },
  }
}

/** The person behind whoever makes a token; nobody where that is a secret which several may know. */
function makerOf({ actor, names = [], madeBy }: Principal): ApiTokenRecord['maker'] {
  if (madeBy !== undefined) return { actor: madeBy, names }
  return isPerson(actor) ? { actor, names } : undefined
}
