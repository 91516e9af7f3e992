import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { setUpGitea } from '../../deploy/setup/gitea.mjs'
import { giteaPaths, isExecutable } from '../../deploy/setup/paths.mjs'
import { freePort } from './free-port.ts'
import { assertRunning, startProcess } from './process.ts'
import { createTempDir } from './temp-dir.ts'
import { until } from './until.ts'

const exec = promisify(execFile)

await setUpGitea()
/** Why its tests are skipped, if they are. */
export const noGitea = !isExecutable(giteaPaths().program) && 'there is no Gitea: no C compiler'

export interface GiteaAnswer {
  readonly status: number
  readonly body: unknown
}

/** What somebody may do by the API, and over HTTP as the password of Git. */
export interface GiteaAccount {
  readonly name: string
  readonly token: string
}

/** A real Gitea on loopback, with its database in a directory of its own. */
export interface TestGitea extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** `http://127.0.0.1:PORT/api/v1` */
  readonly api: string
  readonly admin: GiteaAccount
  /** File that names the key of its own SSH server. */
  readonly knownHostsFile: string
  /** One call of its API as its administrator, or as somebody else; never throws for a status. */
  ask(method: string, path: string, body?: object, as?: GiteaAccount): Promise<GiteaAnswer>
  /** The same, and what it answers with; throws when it refuses. */
  call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: object,
    as?: GiteaAccount,
  ): Promise<T>
  /** Somebody with one token; `scopes` as Gitea names them, such as `write:repository`. */
  createAccount(name: string, scopes: readonly string[]): Promise<GiteaAccount>
  /** One more token of somebody. */
  createToken(name: string, scopes: readonly string[]): Promise<GiteaAccount>
  /** Address for Git over HTTP, with the account's token when one is given. */
  cloneUrl(project: string, as?: GiteaAccount): string
  /** Address for Git over SSH. */
  sshUrl(project: string): string
  readLog(): string
}

/** Largest file whose content its API gives out, in bytes. */
export const giteaBlobLimit = 64 * 1024

/** Of everybody: the tests' Gitea listens on loopback alone, for as long as a test runs. */
const password = randomBytes(12).toString('hex')

/** Starts one; an administrator and a token for it are made by Gitea's own command. */
export async function startGitea(): Promise<TestGitea> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await createTempDir('gitea'))
  const at = (name: string) => join(directory.path, name)
  const [port, sshPort] = [await freePort(), await freePort()]
  await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'host', '-f', at('host')])
  await writeFile(
    at('known_hosts'),
    `[127.0.0.1]:${sshPort} ${await readFile(at('host.pub'), 'utf8')}`,
  )
  await writeFile(at('app.ini'), formatConfig(port, sshPort, at))
  const { program } = giteaPaths()
  const where = ['--config', at('app.ini'), '--work-path', directory.path]
  const env = { PATH: process.env['PATH'], HOME: directory.path, USER: userInfo().username }
  const server = startProcess(program, ['web', ...where], {
    ...{ name: 'gitea', logFile: at('gitea.log'), env },
  })
  stack.defer(() => server.stop())
  const url = `http://127.0.0.1:${port}`
  await until(
    async () => {
      assertRunning(server)
      return (await fetch(`${url}/api/healthz`)).ok
    },
    { deadlineMs: 60_000, what: 'Gitea to serve' },
  )
  const made = await exec(
    program,
    [
      ...['admin', 'user', 'create', ...where, '--admin', '--username', 'keeper'],
      ...['--password', password, '--email', 'keeper@groundswell.invalid'],
      ...['--must-change-password=false', '--access-token', '--access-token-scopes', 'all'],
    ],
    { env },
  )
  const token = /\b[0-9a-f]{40}\b/.exec(made.stdout)?.[0]
  if (!token) throw new Error(`Gitea made no token: ${made.stdout}`)
  const admin = { name: 'keeper', token }

  async function send(method: string, path: string, authorization: string, body?: object) {
    const response = await fetch(`${url}/api/v1${path}`, {
      ...{ method, redirect: 'manual', signal: AbortSignal.timeout(20_000) },
      headers: { authorization, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : parse(text) }
  }
  const ask: TestGitea['ask'] = (method, path, body, as = admin) =>
    send(method, path, `token ${as.token}`, body)
  async function createToken(name: string, scopes: readonly string[]): Promise<GiteaAccount> {
    const basic = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
    const wanted = { name: randomBytes(6).toString('hex'), scopes }
    const answer = await send('POST', `/users/${name}/tokens`, basic, wanted)
    return { name, token: (expectOk(answer) as { sha1: string }).sha1 }
  }
  const call = async <T>(...asked: Parameters<TestGitea['ask']>) =>
    expectOk(await ask(...asked), asked) as T

  const owned = stack.move()
  return {
    url,
    api: `${url}/api/v1`,
    admin,
    knownHostsFile: at('known_hosts'),
    ask,
    call,
    createToken,
    async createAccount(name, scopes) {
      const email = `${name}@groundswell.invalid`
      const user = { username: name, email, password, must_change_password: false }
      await call('POST', '/admin/users', user)
      return createToken(name, scopes)
    },
    cloneUrl: (project, as) =>
      `${as ? url.replace('//', `//${as.name}:${as.token}@`) : url}/${project}.git`,
    sshUrl: (project) => `ssh://git@127.0.0.1:${sshPort}/${project}.git`,
    readLog: () => server.readLog(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function expectOk({ status, body }: GiteaAnswer, asked: readonly unknown[] = []): unknown {
  if (status >= 200 && status < 300) return body
  throw new Error(`${asked.slice(0, 2).join(' ')}: ${status} ${JSON.stringify(body)}`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function formatConfig(port: number, sshPort: number, at: (name: string) => string): string {
  return [
    `RUN_USER = ${userInfo().username}`,
    'RUN_MODE = prod',
    // Containers of pipelines have no other user.
    'I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true',
    '[server]',
    ...['HTTP_ADDR = 127.0.0.1', `HTTP_PORT = ${port}`, `ROOT_URL = http://127.0.0.1:${port}/`],
    ...[`STATIC_ROOT_PATH = ${giteaPaths().statics}`, `APP_DATA_PATH = ${at('data')}`],
    ...['OFFLINE_MODE = true', 'LFS_START_SERVER = false'],
    ...['START_SSH_SERVER = true', 'SSH_DOMAIN = 127.0.0.1', 'BUILTIN_SSH_SERVER_USER = git'],
    ...['SSH_LISTEN_HOST = 127.0.0.1', `SSH_LISTEN_PORT = ${sshPort}`, `SSH_PORT = ${sshPort}`],
    `SSH_SERVER_HOST_KEYS = ${at('host')}`,
    '[database]',
    ...['DB_TYPE = sqlite3', `PATH = ${at('gitea.db')}`],
    '[repository]',
    `ROOT = ${at('repositories')}`,
    '[security]',
    ...['INSTALL_LOCK = true', `SECRET_KEY = ${randomBytes(16).toString('hex')}`],
    '[service]',
    'DISABLE_REGISTRATION = true',
    '[webhook]',
    'ALLOWED_HOST_LIST = loopback',
    '[indexer]',
    'ISSUE_INDEXER_TYPE = db',
    // Small, as an administrator may have them: what comes in pages does so here.
    '[api]',
    ...['MAX_RESPONSE_ITEMS = 1', `DEFAULT_MAX_BLOB_SIZE = ${giteaBlobLimit}`],
    '[cron]',
    'ENABLED = false',
    '[actions]',
    'ENABLED = false',
    '[packages]',
    'ENABLED = false',
    '[log]',
    ...['MODE = console', 'LEVEL = warn'],
    '',
  ].join('\n')
}
