import type { Server } from '@grpc/grpc-js'
import { keepalive, toKeepaliveOptions } from '@groundswell/proto/keepalive.ts'
import { HubError } from '../../errors.ts'
import { type Gate, gateConnections } from '../gate.ts'
import type { ListenerTls } from '../tls/grpc.ts'
import type { ServerCertificate } from '../x509.ts'

/* A port of the hub with TLS: opened, served by another certificate when it is time, and closed. */

export const listenerOptions = {
  'grpc.enable_channelz': 0,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  ...toKeepaliveOptions(keepalive),
  'grpc.max_concurrent_streams': 16,
  // A connection that carries nothing is not kept.
  'grpc.max_connection_idle_ms': 60_000,
} as const

/** For who joins, whom nobody knows yet: small questions, one after the other. */
export const enrolOptions = {
  ...listenerOptions,
  'grpc.max_receive_message_length': 16 * 1024,
  'grpc.max_concurrent_streams': 2,
} as const

/** grpc-js sends a PING whatever was heard; with this, only who was not heard is asked (`live/pulse.ts`). */
export const noPings = { 'grpc.keepalive_time_ms': 2 ** 31 - 1 } as const

export interface Listener {
  readonly address: string
  /** The one that was bound, when any was asked for. */
  readonly port: number
  /** What new connections are served and judged by from now on; live ones go on as they are. */
  present(certificate: ServerCertificate): void
  /** Stops taking streams, lets live ones end for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>
}

/** Binds a server's port, and lets in whom the gate lets in. */
export async function listen(
  server: Server,
  host: string,
  port: number,
  tls: ListenerTls,
  gate?: Gate,
): Promise<Listener> {
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, tls.credentials, (error, actual) => {
      if (error) reject(cannotListen(host, port, error))
      else resolve(actual)
    })
  })
  shareProtocols(server)
  if (gate) gateConnections(server, gate, after)
  return {
    address: `${host}:${bound}`,
    port: bound,
    present: (next) => tls.present(next),
    async close(graceMs) {
      // grpc-js waits for ever for a connection that was destroyed just before: cut is over, too.
      await new Promise<void>((resolve) => {
        const cut = setTimeout(() => {
          server.forceShutdown()
          resolve()
        }, graceMs)
        server.tryShutdown(() => {
          clearTimeout(cut)
          resolve()
        })
      })
    },
  }
}

/**
 * Node copies the names of the protocols a server speaks for each connection: three bytes, out of a
 * pool of 64 KB that stays as long as the connection. A view of another kind it copies by itself.
 */
function shareProtocols(server: Server): void {
  const { http2Servers } = server as unknown as {
    http2Servers: ReadonlyMap<{ ALPNProtocols?: Uint8Array | DataView }, unknown>
  }
  for (const listening of http2Servers.keys()) {
    const { ALPNProtocols: names } = listening
    if (names) listening.ALPNProtocols = new DataView(Uint8Array.from(names as Uint8Array).buffer)
  }
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

/** Names the address, and what to do about it. */
export function cannotListen(host: string, port: number, cause: unknown): HubError {
  const why = (cause as Error).message
  return new HubError(
    'config_invalid',
    `cannot listen on ${host}:${port}: ${why}; is it in use? Give another port, or 0 for any`,
    { cause },
  )
}
