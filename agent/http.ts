import { createServer } from 'node:http'

/**
 * `/livez` says the process runs; `/readyz` that it goes on from a verified snapshot, or knows from a
 * signer that there is none for it yet.
 */
export async function serveHealth(
  port: number,
  isReady: () => boolean,
): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const ready = request.url === '/livez' || (request.url === '/readyz' && isReady())
    const known = request.url === '/livez' || request.url === '/readyz'
    response.writeHead(known ? (ready ? 200 : 503) : 404, { 'content-type': 'text/plain' })
    response.end(known ? (ready ? 'ok\n' : 'not ready\n') : 'not found\n')
  })
  server.requestTimeout = 5_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, () => resolve())
  })
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
