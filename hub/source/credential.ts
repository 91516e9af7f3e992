import { type Static, Type } from 'typebox'
import { isRecord } from '@groundswell/proto/record.ts'
import { type Fault, HubError } from '../errors.ts'
import { findSchemaFaults } from '../fleet/load/schema-faults.ts'
import { isHostPattern } from './host-rules.ts'

const closed = { additionalProperties: false } as const
const File = Type.String({ minLength: 1, description: 'the path of a file' })
const SecretName = Type.Object(
  { namespace: Type.String({ minLength: 1 }), name: Type.String({ minLength: 1 }) },
  { ...closed, description: 'a map of namespace and name' },
)
const hosts = Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }))

const BasicCredential = Type.Object(
  {
    kind: Type.Literal('basic'),
    /** Where it may be sent; a repository's URL is not the hub's own to choose. */
    hosts,
    usernameFile: Type.Optional(File),
    passwordFile: Type.Optional(File),
    /** Certificates (PEM) that sign for the server, in place of the system's. */
    caFile: Type.Optional(File),
    /** Holds `username`, `password` and `ca.crt` in place of files. */
    secret: Type.Optional(SecretName),
  },
  closed,
)
const SshCredential = Type.Object(
  {
    kind: Type.Literal('ssh'),
    hosts,
    keyFile: Type.Optional(File),
    knownHostsFile: Type.Optional(File),
    /** Holds `ssh-privatekey` and `known_hosts` in place of files. */
    secret: Type.Optional(SecretName),
  },
  closed,
)

/** Where the hub's own configuration keeps what a repository asks for. Read anew for each fetch. */
export type Credential = Static<typeof BasicCredential> | Static<typeof SshCredential>

/** A Kubernetes Secret of the cluster the hub runs in. */
export type SecretName = Static<typeof SecretName>

/** Credentials by the name a Repository gives. */
export type Credentials = Readonly<Record<string, Credential>>

/** The credential the fleet repository itself is fetched with. */
export const fleetCredential = 'fleet'

/**
 * A parsed credentials file → the credentials. What is called `fleet` is bound to the fleet
 * repository's host when it names none; every other password has to name its hosts, or whoever
 * writes a Repository could have it sent anywhere (bad input B30).
 *
 * @param fleetHost of the URL the hub was started with; empty when it has none
 * @throws HubError `config_invalid` with every fault
 */
export function parseCredentials(value: unknown, where: string, fleetHost: string): Credentials {
  const faults: Fault[] = []
  const found: Record<string, Credential> = {}
  for (const [name, given] of Object.entries(isRecord(value) ? value : {})) {
    const report = (message: string) => faults.push({ file: where, object: name, message })
    const credential = parseCredential(given, report)
    if (!credential) continue
    const isFleets = name === fleetCredential && fleetHost !== ''
    const bound = credential.hosts ?? (isFleets ? [fleetHost] : undefined)
    if (credential.kind === 'basic' && !bound) {
      report('`hosts` is missing: list the hosts the password may be sent to')
    }
    found[name] = bound ? { ...credential, hosts: bound } : credential
  }
  if (!isRecord(value)) faults.push({ file: where, message: 'not a map of credentials by name' })
  if (faults.length > 0) {
    const words = faults.map(({ object, message }) => `${where}: ${object ?? ''}: ${message}`)
    throw new HubError('config_invalid', words.join('\n'), { faults })
  }
  return found
}

/** One credential by itself; undefined when what is wrong with it was reported. */
export function parseCredential(
  value: unknown,
  report: (message: string) => void,
): Credential | undefined {
  const kind = isRecord(value) ? value['kind'] : undefined
  if (kind !== 'basic' && kind !== 'ssh') {
    report('`kind` is basic or ssh')
    return undefined
  }
  const schema = kind === 'basic' ? BasicCredential : SshCredential
  const wrong = findSchemaFaults(schema, value)
  for (const { path, key, message } of wrong) {
    report(key || path.length === 0 ? message : `${path.join('.')}: ${message}`)
  }
  if (wrong.length > 0) return undefined
  const credential = value as Credential
  for (const host of credential.hosts ?? []) {
    if (!isHostPattern(host)) report(`hosts: ${JSON.stringify(host)} is not a host or *.domain`)
  }
  const files =
    credential.kind === 'basic'
      ? [credential.usernameFile, credential.passwordFile, credential.caFile]
      : [credential.keyFile, credential.knownHostsFile]
  const named = files.filter((file) => file !== undefined)
  if (credential.secret && named.length > 0) report('give files or a `secret`, not both')
  if (credential.secret) return credential
  if (named.length === 0) report('give files, or a `secret`')
  else if (credential.kind === 'ssh' && named.length < 2) {
    report('an SSH key needs `keyFile` and `knownHostsFile`')
  } else if (
    credential.kind === 'basic' &&
    credential.usernameFile !== undefined &&
    credential.passwordFile === undefined
  ) {
    report('`usernameFile` without `passwordFile`')
  }
  return credential
}
