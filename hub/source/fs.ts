import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HubError } from '../errors.ts'
import { type Address, isLoopback } from './address.ts'
import type { Credential, SecretName } from './credential.ts'
import { buildSshCommand, type GitAccess, localAccess } from './git-environment.ts'
import { matchesHost } from './host-rules.ts'

/** Members of a Kubernetes Secret, decoded. */
export type ReadSecret = (
  name: SecretName,
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, Buffer>>

export interface AccessOptions {
  /** Of the repository, for messages. */
  readonly name: string
  readonly address: Address
  readonly credential: Credential | undefined
  readonly readSecret: ReadSecret
  /** Of this account alone; what ssh must have as a file is there for one fetch. */
  readonly directory: string
  readonly signal: AbortSignal
}

const accessPrefix = 'access-'

/**
 * Reads a credential's files or Secret for one fetch, so that a rotated one is used at once.
 *
 * @throws HubError `source_refused` naming the file or Secret and what is wrong, never what it holds
 */
export async function readAccess(options: AccessOptions): Promise<GitAccess> {
  const { name, address, credential } = options
  const refuse = (message: string): HubError =>
    new HubError('source_refused', `repository ${name}: ${message}`)
  if (!credential) {
    if (address.protocol !== 'ssh') return localAccess
    throw refuse('an SSH URL needs a `credential` with a key and known_hosts file')
  }
  if (credential.hosts && !matchesHost(address.host, credential.hosts)) {
    throw refuse(`this credential is for ${credential.hosts.join(', ')}, not for ${address.host}`)
  }
  switch (credential.kind) {
    case 'basic': {
      const isLocal = address.protocol === 'http' && isLoopback(address.host)
      if (address.protocol !== 'https' && !isLocal) {
        throw refuse('a password is sent over https only')
      }
      return readBasic(options, credential)
    }
    case 'ssh': {
      if (address.protocol !== 'ssh') throw refuse('an SSH key is for ssh URLs only')
      return readSsh(options, credential)
    }
  }
}

/** What a fetch that was killed left behind. */
export async function removeOldAccess(directory: string): Promise<void> {
  for (const entry of await readdir(directory)) {
    if (entry.startsWith(accessPrefix)) {
      await rm(join(directory, entry), { recursive: true, force: true })
    }
  }
}

async function readBasic(
  options: AccessOptions,
  { usernameFile, passwordFile, caFile, secret }: Extract<Credential, { kind: 'basic' }>,
): Promise<GitAccess> {
  const { name, address } = options
  const members = secret && (await options.readSecret(secret, options.signal))
  const where = secret && `Secret ${secret.namespace}/${secret.name}`
  const read = async (file: string | undefined, member: string): Promise<string | undefined> => {
    if (file !== undefined) return readLine(name, file)
    const bytes = members?.get(member)
    return bytes && takeLine(name, `${where}: ${member}`, bytes.toString())
  }
  const password = await read(passwordFile, 'password')
  const user = (await read(usernameFile, 'username')) ?? 'git'
  const authority = members?.get('ca.crt')
  if (members && password === undefined && !authority) {
    throw refuse(name, `${where} has no \`password\``)
  }
  if (caFile) await requireFile(name, caFile)
  const written = authority ? await writeAccess(options, { 'ca.crt': authority }) : undefined
  const trusted = written?.at('ca.crt') ?? caFile
  const config: [string, string][] = []
  if (password !== undefined) {
    const basic = Buffer.from(`${user}:${password}`).toString('base64')
    config.push([`http.${address.url}.extraHeader`, `Authorization: Basic ${basic}`])
  }
  if (trusted) config.push([`http.${address.url}.sslCAInfo`, trusted])
  return { config, sshCommand: 'false', dispose: written?.dispose ?? localAccess.dispose }
}

async function readSsh(
  options: AccessOptions,
  { keyFile, knownHostsFile, secret }: Extract<Credential, { kind: 'ssh' }>,
): Promise<GitAccess> {
  const { name } = options
  if (!secret) {
    await requireFile(name, keyFile!)
    await requireFile(name, knownHostsFile!)
    return {
      config: [],
      sshCommand: buildSshCommand(keyFile!, knownHostsFile!),
      dispose: localAccess.dispose,
    }
  }
  const members = await options.readSecret(secret, options.signal)
  const files = Object.fromEntries(
    ['ssh-privatekey', 'known_hosts'].map((member) => {
      const bytes = members.get(member)
      if (bytes) return [member, bytes]
      throw refuse(name, `Secret ${secret.namespace}/${secret.name} has no \`${member}\``)
    }),
  )
  const { at, dispose } = await writeAccess(options, files)
  return {
    config: [],
    sshCommand: buildSshCommand(at('ssh-privatekey'), at('known_hosts')),
    dispose,
  }
}

/** ssh and TLS libraries take files only: these are of this account, and gone after the fetch. */
async function writeAccess(
  { directory }: AccessOptions,
  files: Readonly<Record<string, Buffer>>,
): Promise<{ at: (name: string) => string; dispose: () => Promise<void> }> {
  const place = await mkdtemp(join(directory, accessPrefix))
  for (const [name, bytes] of Object.entries(files)) {
    await writeFile(join(place, name), bytes, { mode: 0o600 })
  }
  return {
    at: (name) => join(place, name),
    dispose: () => rm(place, { recursive: true, force: true }),
  }
}

async function readLine(name: string, file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw refuse(name, `credential file ${file} cannot be read`, cause)
  })
  return takeLine(name, `credential file ${file}`, text)
}

function takeLine(name: string, where: string, text: string): string {
  const value = text.replace(/\r?\n$/, '')
  if (value === '' || value.length > 16_384 || /\p{Cc}/u.test(value)) {
    throw refuse(name, `${where} must hold one line of text`)
  }
  return value
}

async function requireFile(name: string, file: string): Promise<void> {
  const found = await stat(file).catch((cause: unknown) => {
    throw refuse(name, `credential file ${file} cannot be read`, cause)
  })
  if (!found.isFile() || /["\p{Cc}]/u.test(file)) {
    throw refuse(name, `credential file ${file} is not a file with a plain name`)
  }
}

function refuse(name: string, message: string, cause?: unknown): HubError {
  return new HubError('source_refused', `repository ${name}: ${message}`, { cause })
}
