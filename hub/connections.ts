import type { Server } from 'node:http'
import { createCounts } from './counts.ts'

/** So much of all connections one address may have: probes come from another than those who fill it. */
const share = 0.8

/**
 * Bounds what may be open of an HTTP server at a time: each is a file of the process. Whoever opens what there is
 * from one address, be it a proxy's, still leaves the supervisor its answers: it would end the process for want of
 * them.
 */
export function boundConnections(server: Server, most: number): void {
  const mostEach = Math.floor(most * share)
  /** By address. */
  const opened = createCounts()
  server.maxConnections = most
  server.on('connection', (socket) => {
    const { remoteAddress: address } = socket
    // What another replica passes on has none, and was counted there.
    if (address === undefined) return
    if (opened.of(address) >= mostEach) return void socket.destroy()
    opened.add(address)
    socket.once('close', () => opened.take(address))
  })
}
