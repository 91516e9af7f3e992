import { type IncomingMessage, type ServerResponse, createServer, request } from 'node:http'
import type { Duplex } from 'node:stream'
import { boundConnections } from '../connections.ts'
import { leaderMetric, relayedMetric } from '../metrics.ts'
import { cannotListen } from '../sync/listen/grpc.ts'

export interface StandbyDeps {
  /** Who leads, for people. */
  readonly leader: () => string | null
  /** Whether the leader can be reached. */
  readonly up: () => boolean
  /** Streams of agents that are passed on. */
  readonly relayed: () => number
  /** A connection to the leader's API. @throws HubError `no_leader` */
  readonly connect: () => Promise<Duplex>
}

/** Each is another one to the leader. */
const mostConnections = 512

/** Of one connection only: what the next hop says of itself. */
const hopHeaders = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
])

/**
 * The port of the API on a replica that does not lead. What is asked about this process is answered
 * here; all else goes to the leader with whatever authorization came with it, bodies and event
 * streams as they come. Returns what ends it, so that the API itself can take the port.
 */
export async function serveStandby(
  host: string,
  port: number,
  deps: StandbyDeps,
): Promise<() => Promise<void>> {
  const server = createServer((asked, answer) => {
    const [path] = (asked.url ?? '').split('?')
    if (path === '/livez') {
      answer.writeHead(200, { 'content-type': 'text/plain' }).end('ok')
    } else if (path === '/metrics') {
      answer.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
      answer.end(
        `# TYPE ${leaderMetric} gauge\n${leaderMetric} 0\n# TYPE ${relayedMetric} gauge\n${relayedMetric} ${deps.relayed()}\n`,
      )
    } else if (path === '/readyz' || path === '/healthz') {
      const ready = deps.up()
      answer.writeHead(ready ? 200 : 503, { 'content-type': 'application/json' })
      answer.end(JSON.stringify({ ready, checks: [{ name: 'leader', ok: ready }] }))
    } else void forward(asked, answer, deps)
  })
  server.requestTimeout = 30_000
  boundConnections(server, mostConnections)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(host, port, cause)))
    server.listen(port, host, resolve)
  })
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
}

async function forward(
  asked: IncomingMessage,
  answer: ServerResponse,
  { connect, leader }: StandbyDeps,
): Promise<void> {
  let socket: Duplex
  try {
    socket = await connect()
  } catch {
    return refuse(answer, leader())
  }
  const { method, url } = asked
  const passed = request({
    createConnection: () => socket,
    method: method!,
    path: url!,
    headers: listHeaders(asked),
  })
  passed.on('response', (given) => {
    answer.writeHead(given.statusCode!, endToEnd(given.headers))
    answer.flushHeaders()
    given.on('error', () => answer.destroy())
    given.pipe(answer)
  })
  passed.on('error', () => {
    if (answer.headersSent) answer.destroy()
    else refuse(answer, leader())
  })
  answer.once('close', () => {
    passed.destroy()
    socket.destroy()
  })
  asked.pipe(passed)
}

/** As they came, one that is there twice too: of two authorizations the leader takes neither. */
function listHeaders({ rawHeaders, headers }: IncomingMessage): string[] {
  const kept = rawHeaders.filter((_, at) => !hopHeaders.has(rawHeaders[at & ~1]!.toLowerCase()))
  // A body that is framed no more would be read as the next request (T36).
  if (headers['transfer-encoding'] !== undefined) return [...kept, 'transfer-encoding', 'chunked']
  // Where there is none, Node would frame an empty one, which is of no type that the API takes.
  return headers['content-length'] === undefined ? [...kept, 'content-length', '0'] : kept
}

function endToEnd<T extends object>(headers: T): T {
  const kept = Object.entries(headers).filter(([name]) => !hopHeaders.has(name))
  return Object.fromEntries(kept) as T
}

function refuse(answer: ServerResponse, name: string | null): void {
  const who = name === null ? 'no replica leads right now' : `replica ${name} leads`
  const problem = {
    type: 'https://groundswell.dev/problems/no-leader',
    title: 'No hub leads right now',
    status: 503,
    detail: `This replica stands by and cannot reach the one that leads; ${who}`,
    code: 'no_leader',
    errors: [],
  }
  answer.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '2' })
  answer.end(JSON.stringify(problem))
}
