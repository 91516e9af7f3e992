import { promisify } from 'node:util'
import { constants as tlsConstants } from 'node:crypto'
import { constants, zstdCompress } from 'node:zlib'
import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import { create } from '@bufbuild/protobuf'
import { EnrolService } from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import { SyncResponseSchema, SyncService } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { toServiceDefinition } from '@groundswell/proto/grpc.ts'
import { repeat } from '../clock.ts'
import { HubError } from '../errors.ts'
import type { Enrolment } from '../ledger/entry.ts'
import type { createEnrolment } from './enrol.ts'
import { type Gate, gateConnections } from './gate.ts'
import { watchHandshakes } from './handshake.ts'
import type { IdentityVerdict, PeerCertificate } from './identity.ts'
import { createFlow } from './flow.ts'
import { createPacker } from './pack.ts'
import { type Session, type SessionDeps, converse } from './session.ts'
import { type SyncCall, end, readRequests, reset, toStatus, write } from './stream/grpc.ts'
import type { Authority, ServerCertificate } from './x509.ts'

const compressAsync = promisify(zstdCompress)

/** zstd at its default level. */
export const compressZstd = async (bytes: Uint8Array): Promise<Uint8Array> =>
  compressAsync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })

const listenerOptions = {
  'grpc.enable_channelz': 0,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_concurrent_streams': 16,
  // A connection that carries nothing is not kept.
  'grpc.max_connection_idle_ms': 60_000,
} as const

export interface Listener {
  readonly address: string
  /** The one that was bound, when any was asked for. */
  readonly port: number
  /** What new connections are served and judged by from now on; live ones go on as they are. */
  present(certificate: ServerCertificate): void
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
  gate?: Gate,
): Promise<Listener> {
  const server = new Server({ ...listenerOptions, 'grpc.max_receive_message_length': 16 * 1024 })
  server.addService(toServiceDefinition(EnrolService), {
    begin: unary(enrolment.begin),
    enrol: unary(enrolment.enrol),
    claim: unary(enrolment.claim),
  })
  const listener = await listen(server, host, port, [certificate, authority], false)
  if (gate) gateConnections(server, gate, after)
  return listener
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

/** How long a peer may take. */
export interface SyncDeadlines {
  /** For its first message. */
  readonly helloMs: number
  /** To take one message: a quarter of a mebibyte takes a slow link some time. */
  readonly blockedMs: number
}

const deadlines: SyncDeadlines = { helloMs: 10_000, blockedMs: 60_000 }
/** Of all agents together: what of content is read, packed or waits for its reader. */
const contentInFlight = 64 * 1024 * 1024
/** Who takes nothing for so long goes when others wait for that. */
const stallMs = 5_000
/** Heartbeats an agent may miss before its stream counts as dead. */
const silentBeats = 3
/** How long a stream that is dismissed may take to finish what is being sent. */
const leaveMs = 60_000

export interface SyncListenerDeps extends SessionDeps {
  readonly deadlines?: SyncDeadlines
  /** Who is let in before TLS; without it, everybody. */
  readonly gate?: Gate
  /** After about so long a stream is dismissed, to be taken up by any replica; never by default. */
  readonly connectionAgeMs?: number
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
  const flow = createFlow({
    limitBytes: contentInFlight,
    stallMs,
    monotonic: () => performance.now(),
    every: repeat,
  })
  const shared = { flow, ...deps, pack: createPacker(deps.compress) }
  const live = new Map<string, SyncCall>()
  const open = new Map<SyncCall, Session>()

  /** Ends a stream without loss: what is being sent is finished, what was not begun is left. */
  async function dismiss(call: SyncCall, reason: string): Promise<void> {
    const late = setTimeout(() => call.end(), leaveMs)
    try {
      await open.get(call)?.leave(reason)
    } catch {
      // It has ended by itself.
    } finally {
      clearTimeout(late)
      call.end()
    }
  }

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
        cut: () => reset(call),
      },
      certificate,
    )
    open.set(call, session)
    const silent = setTimeout(() => {
      end(call, { code: status.DEADLINE_EXCEEDED, details: 'no hello came in time' })
    }, helloMs)
    let heardAt = performance.now()
    // It is not the agent that is silent while nobody listens.
    for (const event of ['data', 'resume']) call.on(event, () => (heardAt = performance.now()))
    const old =
      deps.connectionAgeMs &&
      setTimeout(
        () => void dismiss(call, 'the connection is old: any hub may take it up'),
        // Spread by a tenth either way, so that those that came at once do not all go at once.
        deps.connectionAgeMs * (0.9 + Math.random() / 5),
      )
    const beat = setInterval(() => {
      const silence = performance.now() - heardAt
      if (!call.isPaused() && silence > deps.heartbeatSeconds * 1000 * silentBeats) {
        end(call, { code: status.DEADLINE_EXCEEDED, details: 'nothing was heard for too long' })
        return
      }
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
        clearTimeout(old)
        open.delete(call)
        if (live.get(enrolment.cluster) === call) live.delete(enrolment.cluster)
        deps.onDisconnected(enrolment, session)
      })
  }

  server.addService(toServiceDefinition(SyncService), { sync })
  const listener = await listen(server, host, port, [certificate, authority], true)
  watchHandshakes(server, deps.onRefused)
  if (deps.gate) gateConnections(server, deps.gate, after)
  return {
    address: listener.address,
    port: listener.port,
    present: (next) => listener.present(next),
    /**
     * Streams are ended with a word of how long to spread the way back over: to another replica, or
     * to this one's heir.
     */
    async close(graceMs) {
      for (const call of open.keys()) void dismiss(call, 'the hub stops')
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
  // Who joins reads the CA from here and holds it against the pin; agents have it already.
  const chainOf = ({ certificate: leaf, issuer }: ServerCertificate): string =>
    requireClient ? leaf : `${leaf}\n${issuer}`
  const credentials = ServerCredentials.createSsl(
    Buffer.from(authority.certificate),
    [
      {
        private_key: Buffer.from(certificate.key),
        cert_chain: Buffer.from(chainOf(certificate)),
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
    present(next) {
      // grpc-js offers this to its own kinds of credentials only.
      const changing = credentials as unknown as {
        updateSecureContextOptions(options: { ca: string; cert: string[]; key: string[] }): void
      }
      changing.updateSecureContextOptions({
        ...credentials._getSecureContextOptions(),
        ca: authority.certificate,
        cert: [chainOf(next)],
        key: [next.key],
      })
    },
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
