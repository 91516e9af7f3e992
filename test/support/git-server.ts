import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestRepository, createRepository, runGit, testGitEnv } from './git-repository.ts'
import { createTempDir } from './temp-dir.ts'

export interface GitServerOptions {
  /** Without it, anybody may read and write. */
  readonly basicAuth?: { readonly user: string; readonly password: string }
  /** Serves HTTPS with this pair (PEM). */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Called after a push was answered: what a Git host's webhook would be. */
  readonly onPush?: (repository: string) => void
}

/** Git over HTTP on loopback, as a Git host serves it. */
export interface GitServer extends AsyncDisposable {
  /** Directory of the bare repositories. */
  readonly root: string
  /** `http://127.0.0.1:PORT/NAME.git`, without credentials. */
  url(repository: string): string
  /** Makes a repository whose first commit holds the directory's content, or nothing. */
  createRepository(
    name: string,
    options?: { readonly from?: string; readonly branch?: string },
  ): Promise<TestRepository>
  /** Answers everything with an error, 503 when it is not said, until `resume()`. */
  fail(status?: number): void
  resume(): void
  /** Requests answered so far; polls show up here. */
  readonly requests: number
  stop(): Promise<void>
}

const maxHeaderBytes = 64 * 1024

/** Starts `git http-backend` behind a loopback HTTP server. */
export async function startGitServer({
  basicAuth,
  tls,
  onPush,
}: GitServerOptions = {}): Promise<GitServer> {
  const directory = await createTempDir('git')
  const backend = `${await runGit('/', ['--exec-path'])}/git-http-backend`
  const credentials =
    basicAuth &&
    `Basic ${Buffer.from(`${basicAuth.user}:${basicAuth.password}`).toString('base64')}`
  let failing: number | undefined
  let requests = 0

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    requests += 1
    if (failing !== undefined) {
      response.writeHead(failing).end()
    } else if (credentials !== undefined && request.headers.authorization !== credentials) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
    } else {
      serveGit(backend, directory.path, request, response)
      const pushed = /^\/(.+)\.git\/git-receive-pack$/.exec(request.url ?? '')?.[1]
      if (pushed !== undefined && onPush) response.once('finish', () => onPush(pushed))
    }
  }
  const server = tls ? createTlsServer(tls, answer) : createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  async function stop(): Promise<void> {
    server.closeAllConnections()
    if (server.listening) {
      server.close()
      await once(server, 'close')
    }
    await directory.remove()
  }

  return {
    root: directory.path,
    url: (repository) => `${tls ? 'https' : 'http'}://127.0.0.1:${port}/${repository}.git`,
    createRepository: (name, options) => createRepository(directory.path, name, options),
    fail: (status = 503) => {
      failing = status
    },
    resume: () => {
      failing = undefined
    },
    get requests() {
      return requests
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** One request through the CGI program (RFC 3875). */
function serveGit(
  backend: string,
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const headers = request.headers
  const child = spawn(backend, {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      ...testGitEnv,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: searchParams.toString(),
      CONTENT_TYPE: headers['content-type'] ?? '',
      CONTENT_LENGTH: headers['content-length'] ?? '',
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      REMOTE_USER: 'test',
      REMOTE_ADDR: '127.0.0.1',
    },
  })
  request.pipe(child.stdin)
  // The program may answer, and end, before it has read everything.
  child.stdin.on('error', () => {})
  child.once('error', (error) => response.destroy(error))
  response.once('close', () => child.kill())

  let head = Buffer.alloc(0)
  const readHead = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) {
      if (head.length > maxHeaderBytes) response.destroy(new Error('CGI header too long'))
      return
    }
    child.stdout.off('data', readHead)
    writeHead(response, head.subarray(0, end).toString())
    response.write(head.subarray(end + 4))
    child.stdout.pipe(response)
  }
  child.stdout.on('data', readHead)
  child.stdout.once('end', () => {
    if (!response.headersSent) response.writeHead(500).end()
  })
}

function writeHead(response: ServerResponse, head: string): void {
  for (const line of head.split('\r\n')) {
    const [name = '', value = ''] = line.split(/:\s*(.*)/s)
    if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
}
