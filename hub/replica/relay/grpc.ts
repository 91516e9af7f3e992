import { type MessageInitShape, create, toBinary } from '@bufbuild/protobuf'
import {
  Server,
  type ServerDuplexStream,
  type ServiceError,
  type StatusObject,
  status,
} from '@grpc/grpc-js'
import { EnrolService } from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import {
  type GoodbyeSchema,
  SyncResponseSchema,
  SyncService,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { toRawDefinition } from '@groundswell/proto/grpc.ts'
import { type Keepalive, keepalive } from '@groundswell/proto/keepalive.ts'
import { repeat } from '../../clock.ts'
import type { Gate } from '../../sync/gate.ts'
import { watchHandshakes } from '../../sync/handshake.ts'
import {
  type Listener,
  enrolOptions,
  listen,
  listenerOptions,
  noPings,
} from '../../sync/listen/grpc.ts'
import { createBeats } from '../../sync/live/beats.ts'
import { boundPulse } from '../../sync/live/pulse.ts'
import {
  connectionOf,
  deliver,
  end,
  isRehearsal,
  ping,
  readRequests,
  reset,
  write,
} from '../../sync/stream/grpc.ts'
import { createMutualTls, createOpenTls } from '../../sync/tls/grpc.ts'
import type { KeyExchange } from '../../sync/tls/key-exchange.ts'
import type { Authority, ServerCertificate } from '../../sync/x509.ts'
import type { EnrolMethod, LeaderLink, RelayedStream } from '../leader-link.ts'

type Call = ServerDuplexStream<Buffer, Buffer>

/** A peer may take so long for one message. */
const blockedMs = 60_000
/** Agents that may come back in one second, when all must. */
const reconnectsPerSecond = 500
const noLeader = { code: status.UNAVAILABLE, details: 'no hub leads right now' }

export interface RelayDeps {
  /** Waits for a leader, within bounds. @throws HubError `no_leader` */
  readonly link: () => Promise<LeaderLink>
  readonly gate?: Gate
  /** Classic when left out. */
  readonly keyExchange?: KeyExchange
  /** The usual one when left out. */
  readonly keepalive?: Keepalive
  readonly onRefused: (reason: string, peer: string) => void
}

export interface Relay extends Listener {
  /** Streams that are relayed now. */
  readonly live: number
  /** Sends all agents away, to come back at once: what they were connected to is gone. */
  dismissAll(reason: string): void
}

/**
 * The data listener of a replica that follows. TLS with the agent ends here, and its stream is
 * passed on to the leader message by message: at most one each way is held, so that who reads
 * slowly is waited for by the leader as if it were there.
 */
export async function serveRelay(
  host: string,
  port: number,
  certificate: ServerCertificate,
  authority: Authority,
  deps: RelayDeps,
): Promise<Relay> {
  const server = new Server({ ...listenerOptions, ...noPings })
  const open = new Map<Call, RelayedStream>()
  // Heartbeats are the leader's to send and to miss: here only a connection is asked, and lost.
  const beats = createBeats<Call>({
    bounds: boundPulse(Infinity, deps.keepalive ?? keepalive),
    monotonic: () => performance.now(),
    every: repeat,
    isListening: (call) => !call.isPaused(),
    isDrained: () => false,
    tell: () => {},
    ask: ping,
    lose: (call) => connectionOf(call)?.destroy(),
    giveUp: () => {},
  })

  async function receive(call: Call): Promise<void> {
    call.on('error', () => {})
    const heard = beats.watch(call)
    try {
      await relay(call, heard)
    } finally {
      beats.forget(call)
    }
  }

  async function relay(call: Call, heard: () => void): Promise<void> {
    const certificate = call.getAuthContext().sslPeerCertificate
    const address = call.getPeer()
    let link: LeaderLink
    try {
      link = await deps.link()
    } catch {
      return end(call, noLeader)
    }
    if (call.cancelled) return
    const up = link.sync({ certificate, address, rehearsal: isRehearsal(call) })
    up.on('error', () => {})
    open.set(call, up)
    for (const event of ['cancelled', 'close']) call.once(event, () => up.cancel())
    const last = new Promise<StatusObject>((resolve) => up.once('status', resolve))
    const requests = readRequests<Buffer>(call)
    for (const event of ['data', 'resume']) call.on(event, heard)
    void passOn(requests, (message) => deliver(up, message, blockedMs, () => up.cancel())).then(
      () => up.end(),
      () => up.cancel(),
    )
    await passOn(readRequests<Buffer>(up), (message) => write(call, message, blockedMs)).catch(() =>
      up.cancel(),
    )
    finish(call, await last)
  }

  /** The leader's last word is the agent's, unless it is that there is no leader. */
  function finish(call: Call, { code, details }: StatusObject): void {
    if (!open.delete(call)) return
    if (code === status.OK) call.end()
    else if (code === status.CANCELLED) reset(call)
    else if (code === status.UNAVAILABLE) void dismiss(call, 'the hub that leads is gone', 1)
    else end(call, { code, details })
  }

  async function dismiss(call: Call, reason: string, seconds: number): Promise<void> {
    try {
      await write(call, goodbye({ reason, reconnectWindowSeconds: seconds }), blockedMs)
    } catch {
      // It has ended by itself.
    } finally {
      call.end()
    }
  }

  server.addService(toRawDefinition(SyncService), { sync: (call: Call) => void receive(call) })
  const { gate, keyExchange = 'classic' } = deps
  const tls = createMutualTls(certificate, authority, keyExchange)
  const listener = await listen(server, host, port, tls, gate)
  watchHandshakes(server, deps.onRefused)

  function dismissAll(reason: string): void {
    const seconds = Math.ceil(open.size / reconnectsPerSecond)
    for (const [call, up] of open) {
      open.delete(call)
      void dismiss(call, reason, seconds).finally(() => up.cancel())
    }
  }

  return {
    ...listener,
    get live() {
      return open.size
    },
    dismissAll,
    async close(graceMs) {
      dismissAll('this hub stops')
      await listener.close(graceMs)
    },
  }
}

/** The enrol listener of a replica that follows: each call is the leader's to answer. */
export async function serveEnrolmentRelay(
  host: string,
  port: number,
  certificate: ServerCertificate,
  authority: Authority,
  deps: Pick<RelayDeps, 'link' | 'gate'>,
): Promise<Listener> {
  const server = new Server(enrolOptions)
  const relay =
    (method: EnrolMethod) =>
    async (
      call: { readonly request: Buffer; getPeer(): string },
      callback: (error: object | null, answer?: Buffer) => void,
    ): Promise<void> => {
      let answer: Buffer
      try {
        const link = await deps.link()
        answer = await link.enrol(method, call.request, call.getPeer())
      } catch (error) {
        const { code, details } = error as Partial<ServiceError>
        return callback(typeof code === 'number' ? { code, details } : noLeader)
      }
      callback(null, answer)
    }
  server.addService(toRawDefinition(EnrolService), {
    begin: relay('begin'),
    enrol: relay('enrol'),
    claim: relay('claim'),
  })
  return listen(server, host, port, createOpenTls(certificate, authority), deps.gate)
}

async function passOn(
  messages: AsyncIterable<Buffer>,
  send: (message: Buffer) => Promise<void>,
): Promise<void> {
  for await (const message of messages) await send(message)
}

function goodbye(value: MessageInitShape<typeof GoodbyeSchema>): Buffer {
  const message = create(SyncResponseSchema, { message: { case: 'goodbye', value } })
  return Buffer.from(toBinary(SyncResponseSchema, message))
}
