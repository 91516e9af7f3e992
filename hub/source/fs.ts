import { readFile, stat } from 'node:fs/promises'
import { HubError } from '../errors.ts'
import { type Address, isLoopback } from './address.ts'
import type { Credential } from './credential.ts'
import { buildSshCommand, type GitAccess, localAccess } from './git-environment.ts'

/**
 * Reads a credential's files for one fetch, so that a rotated secret is used at once.
 *
 * @throws HubError `source_refused` naming the file and what is wrong, never what it holds
 */
export async function readAccess(
  name: string,
  credential: Credential | undefined,
  address: Address,
): Promise<GitAccess> {
  if (!credential) {
    if (address.protocol !== 'ssh') return localAccess
    throw refuse(name, 'an SSH URL needs a `credential` with a key and known_hosts file')
  }
  switch (credential.kind) {
    case 'basic': {
      if (
        address.protocol !== 'https' &&
        !(address.protocol === 'http' && isLoopback(address.host))
      ) {
        throw refuse(name, 'a password is sent over https only')
      }
      const user = credential.usernameFile ? await readText(name, credential.usernameFile) : 'git'
      const password = await readText(name, credential.passwordFile)
      const basic = Buffer.from(`${user}:${password}`).toString('base64')
      return {
        config: [[`http.${address.url}.extraHeader`, `Authorization: Basic ${basic}`]],
        sshCommand: 'false',
      }
    }
    case 'ssh': {
      if (address.protocol !== 'ssh') throw refuse(name, 'an SSH key is for ssh URLs only')
      await requireFile(name, credential.keyFile)
      await requireFile(name, credential.knownHostsFile)
      return {
        config: [],
        sshCommand: buildSshCommand(credential.keyFile, credential.knownHostsFile),
      }
    }
  }
}

async function readText(name: string, file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw refuse(name, `credential file ${file} cannot be read`, cause)
  })
  const value = text.replace(/\r?\n$/, '')
  if (value === '' || value.length > 16_384 || /\p{Cc}/u.test(value)) {
    throw refuse(name, `credential file ${file} must hold one line of text`)
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
