import { create, toBinary } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import { keepEncoding } from '@groundswell/proto/encoding.ts'
import {
  type Hello,
  type SyncResponse,
  SyncResponseSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { type Keepalive, keepalive } from '@groundswell/proto/keepalive.ts'
import { repeat } from '../../clock.ts'
import type { Enrolment } from '../../ledger/entry.ts'
import { createFlow } from '../flow.ts'
import type { IdentityVerdict, PeerCertificate } from '../identity.ts'
import { createPacker } from '../pack.ts'
import { rehearse } from '../rehearsal.ts'
import { type Session, type SessionDeps, converse } from '../session.ts'
import {
  type SyncCall,
  connectionOf,
  end,
  ping,
  readRequests,
  reset,
  toStatus,
  write,
} from '../stream/grpc.ts'
import { createBeats } from './beats.ts'
import { boundPulse } from './pulse.ts'

/* Every live stream of an agent, whichever port it came in by. */

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
/** How long a stream that is dismissed may take to finish what is being sent. */
const leaveMs = 60_000

export interface StreamsDeps extends Omit<SessionDeps, 'onHello'> {
  readonly deadlines?: SyncDeadlines
  /** The usual one when left out. */
  readonly keepalive?: Keepalive
  /** After about so long a stream is dismissed, to be taken up by any replica; never by default. */
  readonly connectionAgeMs?: number
  readonly identify: (
    peer: PeerCertificate | undefined,
  ) => IdentityVerdict | Promise<IdentityVerdict>
  /** `replica`: the one that the agent is connected to, when it is not this one. */
  readonly onHello: (cluster: string, hello: Hello, replica?: string) => void
  readonly onConnected: (enrolment: Enrolment, session: Session) => void
  readonly onDisconnected: (enrolment: Enrolment, session: Session) => void
  readonly onRefused: (reason: string, peer: string) => void
  readonly clock: () => number
}

/** Who opened a stream, as TLS saw it. */
export interface Caller {
  readonly certificate: PeerCertificate | undefined
  /** For the log. */
  readonly address: string
  /** The replica whose TLS it was; undefined for this one. */
  readonly replica?: string
  /** It only tries whether it would be let in. */
  readonly rehearsal?: boolean
}

/** All live streams. Of one cluster there is one: the newest wins, whichever replica it is on. */
export interface Streams {
  readonly receive: (call: SyncCall, caller: Caller) => void
  /** Ends a cluster's stream, unless it is of this id: its identity counts no longer. */
  readonly cut: (cluster: string, reason: string, but?: string) => void
  /**
   * Ends all with a word of how long to spread the way back over: to another replica, or to this
   * one's heir.
   */
  readonly dismissAll: (reason: string) => void
}

/** One for all who are told at once. */
function heartbeatAt(now: number): SyncResponse {
  const message = { case: 'heartbeat', value: { sentAt: BigInt(now) } } as const
  const response = create(SyncResponseSchema, { message })
  return keepEncoding(response, Buffer.from(toBinary(SyncResponseSchema, response)))
}

/**
 * What is made where a caller is known keeps all of it, its certificate as well, as long as the
 * stream lives: 2 KB of each agent.
 */
function ignore(): void {}

export function createStreams(deps: StreamsDeps): Streams {
  const { helloMs, blockedMs } = deps.deadlines ?? deadlines
  const flow = createFlow({
    limitBytes: contentInFlight,
    stallMs,
    monotonic: () => performance.now(),
    every: repeat,
  })
  const shared = { flow, ...deps, pack: createPacker(deps.compress) }
  const live = new Map<string, SyncCall>()
  const open = new Map<SyncCall, Session>()
  const relayed = new WeakSet<SyncCall>()
  /** Cluster id that a stream was opened by. */
  const idOf = new WeakMap<SyncCall, string>()
  const beats = createBeats<SyncCall>({
    bounds: boundPulse(deps.heartbeatSeconds, deps.keepalive ?? keepalive),
    monotonic: () => performance.now(),
    every: repeat,
    isListening: (call) => !call.isPaused(),
    isDrained: (call) => call.writableLength === 0,
    tell(calls) {
      const message = heartbeatAt(deps.clock())
      for (const call of calls) write(call, message, blockedMs).catch(ignore)
    },
    // A connection to another replica is that one's to watch.
    ask: (call, onAnswer) => !relayed.has(call) && ping(call, onAnswer),
    lose: (call) => connectionOf(call)?.destroy(),
    giveUp: (call) =>
      end(call, { code: status.DEADLINE_EXCEEDED, details: 'nothing was heard for too long' }),
  })

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

  function receive(call: SyncCall, caller: Caller): void {
    call.on('error', ignore)
    void Promise.resolve(deps.identify(caller.certificate)).then(
      (verdict) => admit(call, caller, verdict),
      (error: unknown) => end(call, toStatus(error)),
    )
  }

  /** The stream that the cluster has stays. */
  function tryOut(call: SyncCall, enrolment: Enrolment): void {
    const silent = setTimeout(() => {
      end(call, { code: status.DEADLINE_EXCEEDED, details: 'no hello came in time' })
    }, helloMs)
    const send = (message: SyncResponse) => write(call, message, blockedMs)
    void rehearse(enrolment, readRequests(call), send, deps)
      .then(
        () => call.end(),
        (error: unknown) => end(call, toStatus(error)),
      )
      .finally(() => clearTimeout(silent))
  }

  function admit(call: SyncCall, caller: Caller, verdict: IdentityVerdict): void {
    if (call.cancelled) return
    if (!verdict.ok) {
      deps.onRefused(verdict.reason, caller.address)
      const code = verdict.barred ? status.PERMISSION_DENIED : status.UNAUTHENTICATED
      end(call, { code, details: verdict.reason })
      return
    }
    const { enrolment, certificate } = verdict
    if (caller.rehearsal) return tryOut(call, enrolment)
    const older = live.get(enrolment.cluster)
    if (older) {
      end(older, { code: status.ABORTED, details: 'a newer stream of this cluster took over' })
    }
    live.set(enrolment.cluster, call)
    idOf.set(call, enrolment.clusterId)
    const { replica } = caller
    const onHello: SessionDeps['onHello'] = (cluster, hello) => {
      clearTimeout(silent)
      deps.onHello(cluster, hello, replica)
    }
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
    if (replica !== undefined) relayed.add(call)
    const heard = beats.watch(call)
    for (const event of ['data', 'resume']) call.on(event, heard)
    const old =
      deps.connectionAgeMs &&
      setTimeout(
        () => void dismiss(call, 'the connection is old: any hub may take it up'),
        // Spread by a tenth either way, so that those that came at once do not all go at once.
        deps.connectionAgeMs * (0.9 + Math.random() / 5),
      )
    deps.onConnected(enrolment, session)
    void session.done
      .then(
        () => call.end(),
        (error: unknown) => end(call, toStatus(error)),
      )
      .finally(() => {
        beats.forget(call)
        clearTimeout(silent)
        clearTimeout(old)
        open.delete(call)
        if (live.get(enrolment.cluster) === call) live.delete(enrolment.cluster)
        deps.onDisconnected(enrolment, session)
      })
  }

  return {
    receive,
    cut(cluster, details, but) {
      const call = live.get(cluster)
      if (!call || (but !== undefined && idOf.get(call) === but)) return
      end(call, { code: status.PERMISSION_DENIED, details })
    },
    dismissAll(reason) {
      for (const call of open.keys()) void dismiss(call, reason)
    },
  }
}
