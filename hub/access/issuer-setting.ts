import { type Static, Type } from 'typebox'
import { type Fault, formatFault, HubError } from '../errors.ts'
import { findSchemaFaults } from '../fleet/load/schema-faults.ts'
import { type Role, roles } from './principal.ts'

/**
 * The identity provider whose tokens count, and what its groups are in this fleet. It is the hub's
 * own configuration, not Git's: who may write to Git could else name a provider of their own.
 */
export interface IssuerSetting {
  /** As tokens name it, exactly. */
  readonly issuer: string
  /** Of the browser's login. */
  readonly clientId: string
  /** Of `swell login`: a public client that may use the device flow. */
  readonly cliClientId: string
  readonly clientSecretFile: string | undefined
  /** Of whom a token has to be for: one of these. */
  readonly audiences: readonly string[]
  /** Which kind of token callers send. */
  readonly accept: 'idToken' | 'accessToken'
  /** Claim that names people in the ledger. */
  readonly nameClaim: string
  readonly groupsClaim: string
  readonly scopes: readonly string[]
  /** Origin that browsers reach the hub by; without it they cannot log in. */
  readonly origin: string | undefined
  /** Certificates the provider's may be of, beside the public ones. */
  readonly caFile: string | undefined
  /** Group → role over the whole fleet. */
  readonly roles: ReadonlyMap<string, Role>
}

const closed = { additionalProperties: false } as const
const Text = Type.String({ minLength: 1, maxLength: 512 })
const Setting = Type.Object(
  {
    issuer: Text,
    clientId: Text,
    cliClientId: Type.Optional(Text),
    clientSecretFile: Type.Optional(Text),
    audiences: Type.Optional(Type.Array(Text, { minItems: 1, maxItems: 10 })),
    accept: Type.Optional(Type.Union([Type.Literal('idToken'), Type.Literal('accessToken')])),
    nameClaim: Type.Optional(Text),
    groupsClaim: Type.Optional(Text),
    scopes: Type.Optional(Type.Array(Text, { maxItems: 20 })),
    url: Type.Optional(Text),
    caFile: Type.Optional(Text),
    roles: Type.Optional(
      Type.Object(
        Object.fromEntries(
          roles.map((role) => [role, Type.Optional(Type.Array(Text, { maxItems: 100 }))]),
        ),
        closed,
      ),
    ),
  },
  closed,
)

/**
 * A parsed file → the setting.
 *
 * @throws HubError `config_invalid` with every fault
 */
export function parseIssuer(value: unknown, where: string): IssuerSetting {
  const faults: Fault[] = findSchemaFaults(Setting, value).map(({ path, message }) => ({
    file: where,
    message: [path.join('.'), message].filter(Boolean).join(': '),
  }))
  if (faults.length > 0) throw refuse(faults)
  const given = value as Static<typeof Setting>
  const { issuer, clientId, url } = given
  if (!isTrustworthy(URL.parse(issuer))) {
    faults.push({ file: where, message: `issuer: not an https URL: ${issuer}` })
  }
  const page = url === undefined ? undefined : URL.parse(url)
  if (page === null || (page && (!isTrustworthy(page) || page.pathname !== '/'))) {
    faults.push({ file: where, message: `url: not like https://hub.example: ${url}` })
  }
  const groups = new Map<string, Role>()
  for (const role of roles) {
    for (const group of (given.roles as Record<string, string[]> | undefined)?.[role] ?? []) {
      groups.set(group, role)
    }
  }
  if (faults.length > 0) throw refuse(faults)
  const cliClientId = given.cliClientId ?? clientId
  return {
    issuer,
    clientId,
    cliClientId,
    clientSecretFile: given.clientSecretFile,
    audiences: given.audiences ?? [...new Set([clientId, cliClientId])],
    accept: given.accept ?? 'idToken',
    nameClaim: given.nameClaim ?? 'sub',
    groupsClaim: given.groupsClaim ?? 'groups',
    scopes: given.scopes ?? ['openid', 'profile', 'email', 'groups', 'offline_access'],
    origin: page?.origin,
    caFile: given.caFile,
    roles: groups,
  }
}

/** Only on this machine may a provider be without TLS: there is nobody in between. */
export function isTrustworthy(url: URL | null): url is URL {
  if (!url || url.username || url.password) return false
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
}

function refuse(faults: readonly Fault[]): HubError {
  return new HubError('config_invalid', faults.map(formatFault).join('\n'), { faults })
}
