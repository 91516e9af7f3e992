import { promisify } from 'node:util'
import { constants as tlsConstants } from 'node:crypto'
import { constants, zstdCompress } from 'node:zlib'
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js'
import { create } from '@bufbuild/protobuf'
import { EnrolService } from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import {
  type SyncRequest,
  type SyncResponse,
  SyncResponseSchema,
  SyncService,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { toServiceDefinition } from '@groundswell/proto/grpc.ts'
import { HubError, type HubErrorCode } from '../errors.ts'
import type { Enrolment } from '../ledger/entry.ts'
import type { createEnrolment } from './enrol.ts'
import { watchHandshakes } from './handshake.ts'
import type { IdentityVerdict, PeerCertificate } from './identity.ts'
import { createPacker } from './pack.ts'
import { type Session, type SessionDeps, converse } from './session.ts'
import type { Authority, ServerCertificate } from './x509.ts'

const compressAsync = promisify(zstdCompress)

/** zstd at its default level. */
export const compressZstd = async (bytes: Uint8Array): Promise<Uint8Array> =>
  compressAsync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })

type SyncCall = ServerDuplexStream<SyncRequest, SyncResponse>

const listenerOptions = {
  'grpc.enable_channelz': 0,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_concurrent_streams': 16,
} as const

export interface Listener {
  readonly address: string
  /** The one that was bound, when any was asked for. */
  readonly port: number
  /** Stops taking streams, lets live ones end for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>
}

/** The enrol listener: TLS without client certificates, and no data. */
export async function serveEnrolment(
  host: string,
  port: number,
  certificate: ServerCertificate,
  authority: Authority,
  enrolment: ReturnType<typeof createEnrolment>,
): Promise<Listener> {
  const server = new Server({ ...listenerOptions, 'grpc.max_receive_message_length': 16 * 1024 })
  server.addService(toServiceDefinition(EnrolService), {
    begin: unary(enrolment.begin),
    enrol: unary(enrolment.enrol),
    claim: unary(enrolment.claim),
  })
  return listen(server, host, port, [certificate, authority], false)
}

/** How long a peer may take. */
export interface SyncDeadlines {
  /** For its first message. */
  readonly helloMs: number
  /** To take one message: a quarter of a mebibyte takes a slow link some time. */
  readonly blockedMs: number
}

const deadlines: SyncDeadlines = { helloMs: 10_000, blockedMs: 60_000 }
/** From a stream's last word until it is reset, for a peer that does not take it. */
const lastWordMs = 5_000

export interface SyncListenerDeps extends SessionDeps {
  readonly deadlines?: SyncDeadlines
  readonly identify: (
    peer: PeerCertificate | undefined,
  ) => IdentityVerdict | Promise<IdentityVerdict>
  readonly onConnected: (enrolment: Enrolment, session: Session) => void
  readonly onDisconnected: (enrolment: Enrolment, session: Session) => void
  readonly onRefused: (reason: string, peer: string) => void
  readonly clock: () => number
}

export interface SyncListener extends Listener {
  /** Ends a cluster's stream: its identity counts no longer. */
  readonly cut: (cluster: string, reason: string) => void
}

/** The data listener: a client certificate is required; the newest stream of a cluster wins. */
export async function serveSync(
  host: string,
  port: number,
  certificate: ServerCertificate,
  authority: Authority,
  deps: SyncListenerDeps,
): Promise<SyncListener> {
  const server = new Server(listenerOptions)
  const shared = { ...deps, pack: createPacker(deps.compress) }
  const live = new Map<string, SyncCall>()

  function sync(call: SyncCall): void {
    call.on('error', () => {})
    void Promise.resolve(deps.identify(call.getAuthContext().sslPeerCertificate)).then(
      (verdict) => admit(call, verdict),
      (error: unknown) => end(call, toStatus(error)),
    )
  }

  function admit(call: SyncCall, verdict: IdentityVerdict): void {
    if (call.cancelled) return
    if (!verdict.ok) {
      deps.onRefused(verdict.reason, call.getPeer())
      const code = verdict.barred ? status.PERMISSION_DENIED : status.UNAUTHENTICATED
      end(call, { code, details: verdict.reason })
      return
    }
    const { enrolment, certificate } = verdict
    const older = live.get(enrolment.cluster)
    if (older) {
      end(older, { code: status.ABORTED, details: 'a newer stream of this cluster took over' })
    }
    live.set(enrolment.cluster, call)
    const onHello: SyncListenerDeps['onHello'] = (cluster, hello) => {
      clearTimeout(silent)
      deps.onHello(cluster, hello)
    }
    const { helloMs, blockedMs } = deps.deadlines ?? deadlines
    const session = converse(
      enrolment,
      readRequests(call),
      (message) => write(call, message, blockedMs),
      {
        ...shared,
        onHello,
      },
      certificate,
    )
    const silent = setTimeout(() => {
      end(call, { code: status.DEADLINE_EXCEEDED, details: 'no hello came in time' })
    }, helloMs)
    const beat = setInterval(() => {
      // A peer that takes nothing is told nothing more: what waits for it is alive as it is.
      if (call.writableLength > 0) return
      const value = { sentAt: BigInt(deps.clock()) }
      write(
        call,
        create(SyncResponseSchema, { message: { case: 'heartbeat', value } }),
        blockedMs,
      ).catch(() => {})
    }, deps.heartbeatSeconds * 1000)
    deps.onConnected(enrolment, session)
    void session.done
      .then(
        () => call.end(),
        (error: unknown) => end(call, toStatus(error)),
      )
      .finally(() => {
        clearInterval(beat)
        clearTimeout(silent)
        if (live.get(enrolment.cluster) === call) live.delete(enrolment.cluster)
        deps.onDisconnected(enrolment, session)
      })
  }

  server.addService(toServiceDefinition(SyncService), { sync })
  const listener = await listen(server, host, port, [certificate, authority], true)
  watchHandshakes(server, deps.onRefused)
  return {
    address: listener.address,
    port: listener.port,
    /**
     * Streams are ended with a word of how long to spread the way back over: to another replica, or
     * to this one's heir.
     */
    async close(graceMs) {
      const goodbye = create(SyncResponseSchema, {
        message: {
          case: 'goodbye',
          value: {
            reason: 'the hub stops',
            reconnectWindowSeconds: deps.reconnectWindowSeconds(),
          },
        },
      })
      for (const call of live.values()) {
        if (!call.destroyed && !call.writableEnded) call.write(goodbye)
        call.end()
      }
      await listener.close(graceMs)
    },
    cut(cluster, details) {
      const call = live.get(cluster)
      if (call) end(call, { code: status.PERMISSION_DENIED, details })
    },
  }
}

async function listen(
  server: Server,
  host: string,
  port: number,
  [certificate, authority]: [ServerCertificate, Authority],
  requireClient: boolean,
): Promise<Listener> {
  const credentials = ServerCredentials.createSsl(
    Buffer.from(authority.certificate),
    [
      {
        private_key: Buffer.from(certificate.key),
        // Who joins reads the CA from here and holds it against the pin; agents have it already.
        cert_chain: Buffer.from(
          requireClient
            ? certificate.certificate
            : `${certificate.certificate}\n${authority.certificate}`,
        ),
      },
    ],
    requireClient,
  )
  omitTickets(credentials)
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, credentials, (error, actual) => {
      if (error) reject(cannotListen(host, port, error))
      else resolve(actual)
    })
  })
  return {
    address: `${host}:${bound}`,
    port: bound,
    async close(graceMs) {
      const ended = new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
      const cut = setTimeout(() => server.forceShutdown(), graceMs)
      await ended
      clearTimeout(cut)
    },
  }
}

/**
 * grpc-js's client never resumes a TLS session, and each of two tickets would hold the agent's whole
 * certificate: a third of what a reconnect sends. grpc-js gives no way to this option of Node's.
 */
function omitTickets(credentials: ServerCredentials): void {
  const options = credentials._getSecureContextOptions()
  credentials._getSecureContextOptions = () => ({
    ...options,
    secureOptions: tlsConstants.SSL_OP_NO_TICKET,
  })
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

/**
 * Requests one at a time, read only as they are asked for. A stream's own iterator destroys it when
 * it ends by an error, ours included, and then no status reaches the agent: it would wait on.
 */
function readRequests(call: SyncCall): AsyncIterable<SyncRequest> {
  const held: SyncRequest[] = []
  let ended = false
  let wake = (): void => {}
  call.on('data', (message: SyncRequest) => {
    call.pause()
    held.push(message)
    wake()
  })
  for (const event of ['end', 'close', 'cancelled', 'error']) {
    call.on(event, () => {
      ended = true
      wake()
    })
  }
  return (async function* read() {
    for (;;) {
      const message = held.shift()
      if (message) yield message
      else if (ended) return
      else {
        const news = new Promise<void>((resolve) => {
          wake = resolve
        })
        call.resume()
        await news
      }
    }
  })()
}

/** Ends a stream with a status; a peer that takes no more is reset, and frees what waits for it. */
function end(call: SyncCall, last: { code: status; details: string }): void {
  call.emit('error', last)
  const timer = setTimeout(() => reset(call), lastWordMs)
  call.once('close', () => clearTimeout(timer))
  call.once('cancelled', () => clearTimeout(timer))
}

/** RST_STREAM. grpc-js gives a server no way to it: a status waits behind what is not taken. */
function reset(call: SyncCall): void {
  const cancelled = 8
  const inner = call as unknown as { call?: { stream?: { close(code: number): void } } }
  inner.call?.stream?.close(cancelled)
  call.destroy()
}

/**
 * Waits until the message has left, so that at most one for each writer is held; rejects when the
 * stream is gone. A peer that takes nothing for `blockedMs` is cut off.
 */
async function write(call: SyncCall, message: SyncResponse, blockedMs: number): Promise<void> {
  if (call.cancelled || call.destroyed) throw new HubError('internal', 'the stream has ended')
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error | null): void => {
      clearTimeout(blocked)
      call.off('close', onEnd)
      call.off('cancelled', onEnd)
      if (error) reject(error)
      else resolve()
    }
    const onEnd = (): void => settle(new HubError('internal', 'the stream has ended'))
    const blocked = setTimeout(() => {
      reset(call)
      onEnd()
    }, blockedMs)
    call.once('close', onEnd)
    call.once('cancelled', onEnd)
    call.write(message, (error: Error | null | undefined) => settle(error))
  })
}

function unary<I, O>(handle: (request: I, peer: string) => O | Promise<O>) {
  return async (
    call: { request: I; getPeer(): string },
    callback: (error: object | null, value?: O) => void,
  ): Promise<void> => {
    let value: O
    try {
      value = await handle(call.request, call.getPeer())
    } catch (error) {
      callback(toStatus(error))
      return
    }
    callback(null, value)
  }
}

/** Errors whose words are meant for the peer. */
const told: { readonly [code in HubErrorCode]?: status } = {
  token_refused: status.PERMISSION_DENIED,
  busy: status.RESOURCE_EXHAUSTED,
  identity_refused: status.UNAUTHENTICATED,
  identity_barred: status.PERMISSION_DENIED,
  invalid: status.INVALID_ARGUMENT,
}

/** Only words meant for the peer leave the hub. */
function toStatus(error: unknown): { code: status; details: string } {
  if (!(error instanceof HubError)) return { code: status.INTERNAL, details: 'internal error' }
  const code = told[error.code]
  if (code !== undefined) return { code, details: error.message }
  return { code: status.UNAVAILABLE, details: 'the hub cannot serve this now' }
}
