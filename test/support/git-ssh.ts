import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { once } from 'node:events'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'
import { type TestRepository, createRepository } from './git-repository.ts'
import { startProcess } from './process.ts'
import { createTempDir } from './temp-dir.ts'
import { until } from './until.ts'

const exec = promisify(execFile)

/** Git over SSH on loopback: sshd with a host key, a client key and a known_hosts of its own. */
export interface GitSsh extends AsyncDisposable {
  /** `ssh://USER@127.0.0.1:PORT/…/NAME.git`. */
  url(repository: string): string
  createRepository(
    name: string,
    options?: { readonly from?: string; readonly branch?: string },
  ): Promise<TestRepository>
  /** Path of the private key that is let in. */
  readonly identityFile: string
  /** Path of the file that names the host's real key. */
  readonly knownHostsFile: string
  /** Value for `GIT_SSH_COMMAND`: this key, this host key, nothing of the user's. */
  readonly sshCommand: string
  stop(): Promise<void>
}

/** Starts sshd on an unprivileged port, for this user. */
export async function startGitSsh(): Promise<GitSsh> {
  const directory = await createTempDir('ssh')
  const at = (name: string) => join(directory.path, name)
  const port = await freePort()
  const user = userInfo().username
  await chmod(directory.path, 0o755)
  for (const key of ['host', 'client']) {
    await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', at(key)])
  }
  const hostKey = await readFile(at('host.pub'), 'utf8')
  await writeFile(at('known_hosts'), `[127.0.0.1]:${port} ${hostKey}`)
  await writeFile(at('authorized_keys'), await readFile(at('client.pub')))
  await writeFile(at('sshd_config'), formatConfig(port, at))
  // As root, sshd insists on its empty directory for the unprivileged half.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })

  const logFile = at('sshd.log')
  const sshd = startProcess('/usr/sbin/sshd', ['-D', '-e', '-f', at('sshd_config')], {
    name: 'sshd',
    logFile,
  })
  await until(() => !sshd.running || greets(port), { deadlineMs: 10_000, what: 'sshd to answer' })
  if (!sshd.running) throw new Error(`sshd ended early:\n${sshd.readLog()}`)

  async function stop(): Promise<void> {
    await sshd.kill()
    await directory.remove()
  }

  return {
    url: (repository) => `ssh://${user}@127.0.0.1:${port}${at(`${repository}.git`)}`,
    createRepository: (name, options) => createRepository(directory.path, name, options),
    identityFile: at('client'),
    knownHostsFile: at('known_hosts'),
    sshCommand: [
      'ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes',
      `-o UserKnownHostsFile=${at('known_hosts')} -i ${at('client')}`,
    ].join(' '),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function formatConfig(port: number, at: (name: string) => string): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('authorized_keys')}`,
    `PidFile ${at('sshd.pid')}`,
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    // The temporary directory's parents may be writable by others.
    'StrictModes no',
    'UsePAM no',
    '',
  ].join('\n')
}

async function greets(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    const [greeting] = (await once(socket, 'data')) as [Buffer]
    return greeting.toString().startsWith('SSH-2.0')
  } finally {
    socket.destroy()
  }
}
