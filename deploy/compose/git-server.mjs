import { execFileSync, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/* `git-server.mjs DIRECTORY ADDRESS NAME=EXAMPLE…`: Git over HTTP for docker-compose.yml, with repositories that begin as
   examples. Where these name each other by https://git.example, it is by ADDRESS that they are found here.
   Whoever reaches the port may push: it is for trying things out on one machine. */

const [, , directory = '', address = 'http://git:3000', ...examples] = process.argv
const longestHeader = 64 * 1024

/** @param {readonly string[]} args @param {string} [cwd] */
function git(args, cwd) {
  return execFileSync('git', args, {
    encoding: 'utf8',
    ...(cwd ? { cwd } : {}),
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      ...{ GIT_AUTHOR_NAME: 'Groundswell', GIT_AUTHOR_EMAIL: 'example@groundswell.dev' },
      ...{ GIT_COMMITTER_NAME: 'Groundswell', GIT_COMMITTER_EMAIL: 'example@groundswell.dev' },
    },
  })
}

/** @param {string} folder */
function nameAddresses(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.yaml')) continue
    const file = join(entry.parentPath, entry.name)
    const text = readFileSync(file, 'utf8')
    const named = text.replaceAll('https://git.example', address)
    if (named !== text) writeFileSync(file, named)
  }
}

/** @param {string} name @param {string} example */
function createRepository(name, example) {
  const repository = join(directory, `${name}.git`)
  if (existsSync(repository)) return
  const copy = mkdtempSync(join(tmpdir(), `${name}-`))
  cpSync(example, copy, { recursive: true })
  nameAddresses(copy)
  git(['init', '--quiet', '--initial-branch=main'], copy)
  git(['add', '.'], copy)
  git(['commit', '--quiet', '--message', 'Begin with the example'], copy)
  git(['init', '--quiet', '--bare', '--initial-branch=main', `${repository}.new`])
  git(['push', '--quiet', `${repository}.new`, 'main'], copy)
  git(['config', 'http.receivepack', 'true'], `${repository}.new`)
  cpSync(`${repository}.new`, repository, { recursive: true })
  rmSync(`${repository}.new`, { recursive: true })
  rmSync(copy, { recursive: true })
}

for (const each of examples) {
  const [name = '', example = ''] = each.split('=')
  createRepository(name, example)
}

const backend = join(git(['--exec-path']).trim(), 'git-http-backend')
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://git')
  const child = spawn(backend, [], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: pathname,
      QUERY_STRING: searchParams.toString(),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_ADDR: request.socket.remoteAddress ?? '',
    },
  })
  request.pipe(child.stdin).on('error', () => {})
  let head = Buffer.alloc(0)
  let begun = false
  child.stdout.on('data', (/** @type {Buffer} */ chunk) => {
    if (begun) return void response.write(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0 && head.byteLength < longestHeader) return
    begun = true
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const [name = '', value = ''] = line.split(/: */, 2)
      if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10)
      else response.setHeader(name, value)
    }
    response.write(head.subarray(end + 4))
  })
  child.on('close', () => {
    if (!begun) response.statusCode = 500
    response.end()
  })
  response.on('close', () => child.kill())
})
server.listen(Number(new URL(address).port), () =>
  process.stdout.write(`serving ${directory} at ${address}\n`),
)
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0))
