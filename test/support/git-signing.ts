import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { testGitEnv } from './git-repository.ts'

const exec = promisify(execFile)

/** Somebody's key, and how Git is told to sign with it. */
export interface SigningHand {
  /** Configuration of a Git command, `-c` each. */
  readonly config: readonly string[]
  /** What a hub is given to know the key by. */
  readonly publicKey: string
}

/** An SSH key in a directory. */
export async function createSshHand(directory: string, name: string): Promise<SigningHand> {
  const file = join(directory, name)
  await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file])
  const [type, key] = (await readFile(`${file}.pub`, 'utf8')).split(' ')
  return {
    config: ['gpg.format=ssh', `user.signingKey=${file}`],
    publicKey: `${type} ${key}`,
  }
}

/** OpenPGP keys in a home of their own, without an agent that stays. */
export interface OpenpgpHome {
  /** @param expired the key ran out long ago, though it signs as if it had not */
  createHand(email: string, options?: { readonly expired?: boolean }): Promise<SigningHand>
  close(): Promise<void>
}

export async function createOpenpgpHome(directory: string): Promise<OpenpgpHome> {
  await mkdir(directory, { mode: 0o700 })
  const env = { ...testGitEnv, PATH: process.env['PATH'], GNUPGHOME: directory }
  const gpg = (...args: readonly string[]) =>
    exec('gpg', ['--batch', '--quiet', '--pinentry-mode', 'loopback', ...args], { env })
  return {
    async createHand(email, { expired = false } = {}) {
      const past = expired ? ['--faked-system-time', '20200101T000000'] : []
      const key = ['--passphrase', '', '--quick-gen-key', email, 'ed25519', 'sign']
      await gpg(...past, ...key, expired ? '1y' : 'never')
      const { stdout } = await gpg('--list-keys', '--with-colons', email)
      const fingerprint = /^fpr:+([0-9A-F]+):/m.exec(stdout)![1]!
      const program = join(directory, `gpg-${fingerprint}`)
      const then = expired ? '--faked-system-time 20200201T000000' : ''
      const script = `#!/bin/sh\nGNUPGHOME='${directory}' exec gpg ${then} "$@"\n`
      await writeFile(program, script, { mode: 0o755 })
      return {
        config: [`gpg.program=${program}`, `user.signingKey=${fingerprint}`],
        publicKey: (await gpg('--armor', '--export', fingerprint)).stdout,
      }
    },
    async close() {
      await exec('gpgconf', ['--kill', 'all'], { env }).catch(() => undefined)
    },
  }
}

/** `-c` for each. */
export function asFlags(hand: SigningHand): string[] {
  return hand.config.flatMap((one) => ['-c', one])
}
