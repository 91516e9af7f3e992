import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, type Socket, createServer } from 'node:net'
import { AgentError } from '../errors.ts'
import type { Proxy } from './proxy.ts'

/** From the first packet to the proxy until it answered CONNECT. */
const connectMs = 10_000

/** A connection to `address` through the proxy. @throws AgentError `hub_unreachable`, with what the proxy said */
export async function openTunnel(
  proxy: Proxy,
  address: string,
  answerMs = connectMs,
): Promise<Socket> {
  const through = `the proxy ${proxy.host}:${proxy.port}`
  const unreachable = (why: string, cause?: unknown): AgentError =>
    new AgentError('hub_unreachable', `${through} ${why}`, { cause })
  return new Promise((resolve, reject) => {
    const asked = request({
      host: proxy.host,
      port: proxy.port,
      method: 'CONNECT',
      path: address,
      agent: false,
      headers: {
        host: address,
        ...(proxy.authorization && { 'proxy-authorization': proxy.authorization }),
      },
    })
    const late = setTimeout(
      () => asked.destroy(new Error(`no answer within ${answerMs / 1000} s`)),
      answerMs,
    )
    const refuse = ({ statusCode, statusMessage }: IncomingMessage): void => {
      asked.destroy()
      reject(
        statusCode === 407
          ? unreachable('asks for a user and a password, or refuses those of HTTPS_PROXY')
          : unreachable(`does not connect to ${address}: ${statusCode} ${statusMessage}`),
      )
    }
    asked.once('connect', (response, socket: Socket, head) => {
      clearTimeout(late)
      if (response.statusCode !== 200) {
        socket.destroy()
        refuse(response)
        return
      }
      if (head.byteLength > 0) socket.unshift(head)
      resolve(socket)
    })
    asked.once('response', refuse)
    asked.once('close', () => clearTimeout(late))
    asked.on('error', (cause) => reject(unreachable(`cannot be used: ${cause.message}`, cause)))
    asked.end()
  })
}

/** A port on this host that leads to `address` through a proxy: what gRPC is pointed at. */
export interface Relay {
  readonly target: string
  /** Why the last tunnel could not be opened. */
  readonly fault: AgentError | undefined
  close(): void
}

/** TLS runs end to end inside, so whoever else connects to the relay is nobody to the hub. */
export async function openRelay(proxy: Proxy, address: string): Promise<Relay> {
  const open = new Set<Socket>()
  let fault: AgentError | undefined
  const keep = (socket: Socket): void => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  }
  async function lead(near: Socket): Promise<void> {
    let far: Socket
    try {
      far = await openTunnel(proxy, address)
    } catch (error) {
      fault = error as AgentError
      near.destroy()
      return
    }
    fault = undefined
    keep(far)
    far.on('error', () => near.destroy())
    far.once('close', () => near.destroy())
    near.once('close', () => far.destroy())
    if (near.destroyed) far.destroy()
    near.pipe(far).pipe(near)
  }
  const server = createServer((near) => {
    keep(near)
    near.on('error', () => {})
    void lead(near)
  })
  server.maxConnections = 4
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get fault() {
      return fault
    },
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}
