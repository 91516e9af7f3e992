import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/* `git-server.mjs DIRECTORY EXAMPLE PORT`: Git over HTTP for docker-compose.yml, with one repository that begins as EXAMPLE.
   Whoever reaches the port may push: it is for trying things out on one machine. */

const [, , directory = '', example = '', port = '3000'] = process.argv
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

const repository = join(directory, 'fleet.git')
if (!existsSync(repository)) {
  const copy = mkdtempSync(join(tmpdir(), 'fleet-'))
  cpSync(example, copy, { recursive: true })
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
server.listen(Number(port), () => process.stdout.write(`serving ${repository} on port ${port}\n`))
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0))
