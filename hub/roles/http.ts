import { type Server, createServer } from 'node:http'
import { boundConnections } from '../connections.ts'
import { cannotListen } from '../sync/listen/grpc.ts'

export interface Probes {
  readonly ready: () => boolean
  /** Prometheus' text format; left out, there is none. */
  readonly metrics?: { readonly contentType: string; metrics(): Promise<string> }
}

/**
 * What a supervisor and a scraper ask of a process that has no REST API, or none yet: `/livez`,
 * `/readyz` and `/metrics`. Nobody is asked who they are, so nothing is told but counts.
 *
 * @returns what ends it, and frees the port
 * @throws HubError `config_invalid` when the port is taken
 */
export async function serveProbes(
  host: string,
  port: number,
  { ready, metrics }: Probes,
): Promise<() => Promise<void>> {
  const server = createServer((asked, answer) => {
    const [path] = (asked.url ?? '').split('?')
    if (path === '/livez') answer.writeHead(200, { 'content-type': 'text/plain' }).end('ok')
    else if (path === '/readyz' || path === '/healthz') {
      answer.writeHead(ready() ? 200 : 503, { 'content-type': 'application/json' })
      answer.end(JSON.stringify({ ready: ready(), checks: [] }))
    } else if (path === '/metrics' && metrics) {
      metrics.metrics().then(
        (text) => answer.writeHead(200, { 'content-type': metrics.contentType }).end(text),
        () => answer.writeHead(500).end(),
      )
    } else answer.writeHead(ready() ? 404 : 503, { 'retry-after': '2' }).end()
  })
  server.requestTimeout = 10_000
  boundConnections(server, 64)
  await listen(server, host, port)
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(host, port, cause)))
    server.listen(port, host, resolve)
  })
}
