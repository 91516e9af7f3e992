import { type Server, createServer } from 'node:http'
import { type AddressInfo, type Socket, connect } from 'node:net'

/** An HTTP proxy that tunnels with CONNECT, for a user and a password. */
export interface ConnectProxy {
  /** What was asked for, `HOST:PORT` each, let in or not. */
  readonly asked: readonly string[]
  /** Its URL; `who` is `USER:PASSWORD@` as a URL spells them, or nothing. */
  url(who: string): string
  /** Ends all tunnels. */
  cut(): void
  close(): void
}

/** The one that is let in, as a URL spells it. */
export const proxyUser = 'ada:p%40ss@'

/** Starts one that alone knows where the names of `routes` are: ports of this host. To `silent.internal:1` it says nothing. */
export async function startConnectProxy(
  routes: ReadonlyMap<string, number>,
): Promise<ConnectProxy> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer()
  const right = `Basic ${Buffer.from('ada:p@ss').toString('base64')}`
  server.on('connect', ({ url = '', headers }, near: Socket) => {
    sockets.add(near)
    near.on('error', () => {})
    asked.push(url)
    if (url === 'silent.internal:1') return
    if (headers['proxy-authorization'] !== right) {
      near.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      return
    }
    const port = routes.get(url)
    if (!port) {
      near.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      return
    }
    const far = connect(port, '127.0.0.1', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n')
      near.pipe(far).pipe(near)
    })
    sockets.add(far)
    far.on('error', () => near.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    asked,
    url: (who) => `http://${who}127.0.0.1:${port}`,
    cut,
    close() {
      cut()
      server.close()
    },
  }
}
