import type { Duplex } from 'node:stream'
import {
  type Metadata,
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  status,
} from '@grpc/grpc-js'
import { EnrolService } from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import { SyncService } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { toServiceDefinition } from '@groundswell/proto/grpc.ts'
import { type Keepalive, toKeepaliveOptions } from '@groundswell/proto/keepalive.ts'
import type { createEnrolment } from '../../sync/enrol.ts'
import { type Listener, listen, listenerOptions } from '../../sync/listen/grpc.ts'
import type { Streams } from '../../sync/live/grpc.ts'
import { type SyncCall, end, reset, toStatus } from '../../sync/stream/grpc.ts'
import { createMutualTls } from '../../sync/tls/grpc.ts'
import type { Authority, ServerCertificate } from '../../sync/x509.ts'
import { parseCaller, readReplicaName } from '../peer.ts'
import { toSocket, tunnelMethod } from '../tunnel/grpc.ts'

/** On whose behalf a replica calls. */
export const callerHeader = 'groundswell-caller-bin'

/** Between replicas, either way. */
export const peerKeepalive: Keepalive = { everyMs: 5_000, answerMs: 5_000 }

/** Streams of one replica: its agents and its callers of the API. */
const streamsAtMost = 40_000

export interface PeersDeps {
  readonly fleet: string
  readonly receive: Streams['receive']
  readonly enrolment: ReturnType<typeof createEnrolment>
  /** Takes a connection of the API. */
  readonly accept: (socket: Duplex) => void
  readonly onRefused: (reason: string, peer: string) => void
}

type AnyCall = Pick<SyncCall, 'getAuthContext' | 'getPeer'>
const stranger = { code: status.UNAUTHENTICATED, details: 'this is for replicas of the hub' }

/**
 * Where other replicas bring what came to them: streams of agents, joins, calls of the API. Only
 * with a certificate of a replica; what they say of their callers is believed.
 */
export async function servePeers(
  host: string,
  port: number,
  certificate: ServerCertificate,
  authority: Authority,
  deps: PeersDeps,
): Promise<Listener> {
  const server = new Server({
    ...listenerOptions,
    ...toKeepaliveOptions(peerKeepalive),
    'grpc.max_concurrent_streams': streamsAtMost,
    'grpc-node.flow_control_window': 256 * 1024,
  })

  function nameOf(call: AnyCall): string | undefined {
    const name = readReplicaName(call.getAuthContext().sslPeerCertificate, deps.fleet)
    if (name === undefined) deps.onRefused('not a replica of this hub', call.getPeer())
    return name
  }

  function sync(call: SyncCall): void {
    const replica = nameOf(call)
    const caller = parseCaller(readHeader(call.metadata))
    if (replica === undefined || !caller) {
      call.on('error', () => {})
      end(call, stranger)
    } else deps.receive(call, { ...caller, replica })
  }

  function relayed<I, O>(handle: (request: I, address: string) => O | Promise<O>) {
    return async (
      call: ServerUnaryCall<I, O>,
      callback: (error: object | null, answer?: O) => void,
    ): Promise<void> => {
      if (nameOf(call) === undefined) return callback(stranger)
      let answer: O
      try {
        answer = await handle(call.request, readHeader(call.metadata))
      } catch (error) {
        return callback(toStatus(error))
      }
      callback(null, answer)
    }
  }

  function connect(call: ServerDuplexStream<Buffer, Buffer>): void {
    if (nameOf(call) !== undefined) return deps.accept(toSocket(call, () => reset(call)))
    call.on('error', () => {})
    end(call, stranger)
  }

  server.addService(toServiceDefinition(SyncService), { sync })
  server.addService(toServiceDefinition(EnrolService), {
    begin: relayed(deps.enrolment.begin),
    enrol: relayed(deps.enrolment.enrol),
    claim: relayed(deps.enrolment.claim),
  })
  server.addService({ connect: tunnelMethod }, { connect })
  return listen(server, host, port, createMutualTls(certificate, authority, 'hybrid'))
}

function readHeader(metadata: Metadata): string {
  const [value] = metadata.get(callerHeader)
  return Buffer.isBuffer(value) ? value.toString() : ''
}
