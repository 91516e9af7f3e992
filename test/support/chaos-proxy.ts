import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

type Way = 'up' | 'down'

/** A link between an agent and a hub that can be made to fail, as links do. Bytes are left as they are. */
export interface ChaosProxy extends AsyncDisposable {
  readonly address: string
  /** Passed on so far: up to the hub, down to the agent. */
  readonly bytes: Readonly<Record<Way, number>>
  /** Pieces they came in: about one for each write of a side that is quiet else. */
  readonly pieces: Readonly<Record<Way, number>>
  /** Connections there have been. */
  readonly connections: number
  /** Milliseconds that everything is held up. */
  delayMs: number
  /** Bytes a second in each direction; 0 is as fast as it goes. */
  rate: number
  /** Asked of each piece of data: whether it is lost, and its connection with it. */
  breaks: (way: Way) => boolean
  /** New connections are taken and closed at once. */
  away: boolean
  /** After so many more bytes down, the connection they run over is closed, in the middle of whatever. */
  cutAfter(bytes: number): void
  /** Live connections pass nothing more on, one way or both, and nobody is told. */
  freeze(...ways: readonly Way[]): void
  /** Live connections end by RST. */
  reset(): void
}

interface Link {
  readonly near: Socket
  readonly far: Socket
  readonly frozen: Set<Way>
}

/** Opens a proxy to `HOST:PORT`. */
export async function openChaosProxy(target: string): Promise<ChaosProxy> {
  const [host = '', port] = target.split(':')
  const links = new Set<Link>()
  const bytes = { up: 0, down: 0 }
  const pieces = { up: 0, down: 0 }
  let left = Infinity

  const server = createServer((near) => {
    near.on('error', () => {})
    if (proxy.away) {
      near.destroy()
      return
    }
    const far = connect(Number(port), host)
    far.on('error', () => {})
    const link: Link = { near, far, frozen: new Set() }
    links.add(link)
    connections += 1
    const close = (): void => {
      links.delete(link)
      // Of a link that is down nobody hears that the other end is gone.
      if (link.frozen.size > 0) return
      near.destroySoon()
      far.destroySoon()
    }
    near.once('close', close)
    far.once('close', close)
    near.on('data', (data) => void pass(link, 'up', data))
    far.on('data', (data) => void pass(link, 'down', data))
    all.add(near).add(far)
  })
  let connections = 0
  const all = new Set<Socket>()

  async function pass(link: Link, way: Way, data: Buffer): Promise<void> {
    const [from, to] = way === 'up' ? [link.near, link.far] : [link.far, link.near]
    from.pause()
    pieces[way] += 1
    if (proxy.breaks(way)) {
      link.near.resetAndDestroy()
      link.far.resetAndDestroy()
      return
    }
    if (proxy.delayMs > 0) await wait(proxy.delayMs)
    let room = true
    for (let at = 0; at < data.byteLength;) {
      // A trickle is a little all the time, not all of it in the end.
      const most = proxy.rate > 0 ? Math.max(1, Math.floor(proxy.rate / 10)) : Infinity
      const drop = data.subarray(at, at + most)
      at += drop.byteLength
      if (proxy.rate > 0) await wait((drop.byteLength / proxy.rate) * 1000)
      if (to.destroyed || link.frozen.has(way)) return
      const part = way === 'down' ? drop.subarray(0, left) : drop
      bytes[way] += part.byteLength
      room = to.write(part)
      if (way === 'down' && (left -= part.byteLength) <= 0) {
        left = Infinity
        link.near.destroySoon()
        link.far.destroy()
        return
      }
    }
    if (room) from.resume()
    else to.once('drain', () => from.resume())
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const proxy: ChaosProxy = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    bytes,
    pieces,
    get connections() {
      return connections
    },
    delayMs: 0,
    rate: 0,
    breaks: () => false,
    away: false,
    cutAfter(more) {
      left = more
    },
    freeze(...ways) {
      for (const { frozen } of links) for (const way of ways) frozen.add(way)
    },
    reset() {
      for (const { near, far } of links) {
        near.resetAndDestroy()
        far.resetAndDestroy()
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of all) socket.destroy()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
  return proxy
}
