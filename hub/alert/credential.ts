import { type Static, Type } from 'typebox'
import { HubError } from '../errors.ts'
import { parseNamedSettings } from '../named-settings.ts'
import { isHostPattern, matchesHost } from '../source/host-rules.ts'

const File = Type.String({ minLength: 1, description: 'the path of a file' })
const Setting = Type.Object(
  {
    /** Where it may be used; whoever writes a provider chooses its address. */
    hosts: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })),
    /** Holds the provider's address: of Slack and Teams it is the secret. */
    addressFile: Type.Optional(File),
    /** What webhooks are signed with: HMAC-SHA256. */
    secretFile: Type.Optional(File),
    /** An Ed25519 private key (PEM, PKCS #8), in place of a shared secret. */
    privateKeyFile: Type.Optional(File),
    /** A bearer token. */
    tokenFile: Type.Optional(File),
    /** Of a mail server. */
    username: Type.Optional(Type.String({ minLength: 1 })),
    passwordFile: Type.Optional(File),
    /** Certificates (PEM) that sign for the server, in place of the system's. */
    caFile: Type.Optional(File),
  },
  { additionalProperties: false },
)

/** How the hub shows a provider's server who it is. Its files are read anew for each letter. */
export type AlertCredential = Static<typeof Setting>
export type AlertCredentials = ReadonlyMap<string, AlertCredential>

/**
 * A parsed file → credentials by the name that providers call them by. It is the hub's own
 * configuration, not Git's: who may write to Git could else have a secret sent to a host of their own.
 *
 * @throws HubError `config_invalid` with every fault
 */
export function parseAlertCredentials(value: unknown, where: string): AlertCredentials {
  const settings = { where, what: 'credentials', schema: Setting }
  return parseNamedSettings(value, settings, (credential, report) => {
    const { hosts, addressFile, secretFile, privateKeyFile, tokenFile } = credential
    for (const host of hosts ?? []) {
      if (!isHostPattern(host)) report(`hosts: ${JSON.stringify(host)} is not a host or *.domain`)
    }
    if (hosts === undefined && addressFile === undefined) {
      report('give `hosts`, where it may be used, or `addressFile`')
    }
    if ((credential.username === undefined) !== (credential.passwordFile === undefined)) {
      report('`username` and `passwordFile` go together')
    }
    if (secretFile !== undefined && privateKeyFile !== undefined) {
      report('give `secretFile` or `privateKeyFile`, not both')
    }
    const any = [addressFile, secretFile, privateKeyFile, tokenFile, credential.passwordFile]
    if (any.every((one) => one === undefined)) {
      report('give a file with an address, a secret, a key, a token or a password')
    }
    return credential
  })
}

/**
 * The credential of a name, if it may be used at a host. One that brings the address itself may be
 * used there.
 *
 * @throws HubError `notification_failed`
 */
export function pickAlertCredential(
  credentials: AlertCredentials,
  name: string | undefined,
  host: string,
  isOwnAddress: boolean,
): AlertCredential | undefined {
  if (name === undefined) return undefined
  const credential = findAlertCredential(credentials, name)
  if (isOwnAddress || matchesHost(host, credential.hosts ?? [])) return credential
  const where = credential.hosts?.join(', ') ?? 'the address in its file'
  throw new HubError(
    'notification_failed',
    `the credential "${name}" is for ${where}, not for ${host}`,
  )
}

/** @throws HubError `notification_failed` when there is none of the name */
export function findAlertCredential(credentials: AlertCredentials, name: string): AlertCredential {
  const credential = credentials.get(name)
  if (credential) return credential
  throw new HubError(
    'notification_failed',
    `--alert-credentials has no "${name}"; add it, or name another in the provider`,
  )
}
