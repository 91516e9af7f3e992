import { type ServerResponse, createServer } from 'node:http'
import { leaderMetric } from '../metrics.ts'
import { cannotListen } from '../sync/listen/grpc.ts'

/**
 * What a replica that does not lead answers on the port of the API: it lives, it is not ready, and
 * who leads. Returns what ends it, so that the API itself can take the port.
 */
export async function serveStandby(
  host: string,
  port: number,
  leader: () => string | null,
): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?')
    if (path === '/livez') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok')
    } else if (path === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
      response.end(`# TYPE ${leaderMetric} gauge\n${leaderMetric} 0\n`)
    } else if (path === '/readyz' || path === '/healthz') {
      const checks = [{ name: 'leader', ok: false }]
      answer(response, 'application/json', { ready: false, checks })
    } else {
      const name = leader()
      const who = name === null ? 'no replica leads right now' : `replica ${name} leads`
      answer(response, 'application/problem+json', {
        type: 'https://groundswell.dev/problems/no-leader',
        title: 'No hub leads right now',
        status: 503,
        detail: `This replica stands by; ${who}`,
        code: 'no_leader',
        errors: [],
      })
    }
  })
  server.requestTimeout = 10_000
  server.maxConnections = 256
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

function answer(response: ServerResponse, type: string, body: object): void {
  response.writeHead(503, { 'content-type': type, 'retry-after': '2' }).end(JSON.stringify(body))
}
