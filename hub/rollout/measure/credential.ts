import { type Static, Type } from 'typebox'
import { HubError } from '../../errors.ts'
import { parseNamedSettings } from '../../named-settings.ts'
import { isHostPattern, matchesHost } from '../../source/host-rules.ts'

const File = Type.String({ minLength: 1, description: 'the path of a file' })
const Setting = Type.Object(
  {
    /** Where it may be used; whoever writes a gate chooses the address. */
    hosts: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
    /** A bearer token. */
    tokenFile: Type.Optional(File),
    username: Type.Optional(Type.String({ minLength: 1, pattern: '^[^:]*$' })),
    passwordFile: Type.Optional(File),
    /** What webhooks are signed with. */
    secretFile: Type.Optional(File),
    /** Certificates (PEM) that sign for the server, in place of the system's. */
    caFile: Type.Optional(File),
  },
  { additionalProperties: false },
)

/** How the hub shows a gate's server who it is. Its files are read anew for each question. */
export type GateCredential = Static<typeof Setting>
export type GateCredentials = ReadonlyMap<string, GateCredential>

/** Shortest secret a webhook is signed with, in bytes. */
export const shortestSecret = 16

/**
 * A parsed file → credentials by the name that gates call them by. It is the hub's own configuration,
 * not Git's: who may write to Git could else have a token sent to a host of their own.
 *
 * @throws HubError `config_invalid` with every fault
 */
export function parseGateCredentials(value: unknown, where: string): GateCredentials {
  const settings = { where, what: 'credentials', schema: Setting }
  return parseNamedSettings(value, settings, (credential, report) => {
    for (const host of credential.hosts) {
      if (!isHostPattern(host)) report(`hosts: ${JSON.stringify(host)} is not a host or *.domain`)
    }
    const { tokenFile, username, passwordFile, secretFile } = credential
    if ((username === undefined) !== (passwordFile === undefined)) {
      report('`username` and `passwordFile` go together')
    }
    if (tokenFile !== undefined && passwordFile !== undefined) {
      report('give `tokenFile` or `passwordFile`, not both')
    }
    if (tokenFile === undefined && passwordFile === undefined && secretFile === undefined) {
      report('give `tokenFile`, `username` and `passwordFile`, or `secretFile`')
    }
    return credential
  })
}

/**
 * The credential of a name, for a host it may be used at.
 *
 * @throws HubError `gate_unreachable`
 */
export function pickCredential(
  credentials: GateCredentials,
  name: string | undefined,
  host: string,
): GateCredential | undefined {
  if (name === undefined) return undefined
  const credential = credentials.get(name)
  if (!credential) {
    throw new HubError(
      'gate_unreachable',
      `--gate-credentials has no "${name}"; add it, or name another in the gate`,
    )
  }
  if (matchesHost(host, credential.hosts)) return credential
  throw new HubError(
    'gate_unreachable',
    `the credential "${name}" is for ${credential.hosts.join(', ')}, not for ${host}`,
  )
}
