import { type AddressInfo, type Socket, connect, createServer } from 'node:net'

/** A link to Redis that shows what is said over it, and may keep it back. */
export interface RedisTap extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT`. */
  readonly url: string
  /** Calls `act` once, before the next words that contain `text` are passed on; they and all after are not. */
  holdAt(text: string, act: () => void): void
}

/** Opens one before a Redis. An empty text is in any words. */
export async function openRedisTap(redisUrl: string): Promise<RedisTap> {
  const { hostname, port } = new URL(redisUrl)
  const sockets = new Set<Socket>()
  let held: { readonly text: string; readonly act: () => void } | undefined
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    let open = true
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', (data) => {
      if (held && data.includes(held.text)) {
        const { act } = held
        held = undefined
        open = false
        act()
      }
      if (open) far.write(data)
    })
    far.on('data', (data) => near.write(data))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    holdAt(text, act) {
      held = { text, act }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}
