import {
  type ClientDuplexStream,
  Metadata,
  type ServiceError,
  connectivityState,
  credentials,
  makeGenericClientConstructor,
} from '@grpc/grpc-js'
import { EnrolService } from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import { SyncService } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { toRawDefinition } from '@groundswell/proto/grpc.ts'
import { toKeepaliveOptions } from '@groundswell/proto/keepalive.ts'
import { boundHandshakes } from '@groundswell/proto/tls/grpc.ts'
import { HubError } from '../../errors.ts'
import type { ServerCertificate } from '../../sync/x509.ts'
import type { EnrolMethod, LeaderLink, RelayedStream } from '../leader-link.ts'
import { formatCaller } from '../peer.ts'
import { callerHeader, peerKeepalive } from '../peers/grpc.ts'
import { toSocket, tunnelMethod } from '../tunnel/grpc.ts'

const linkOptions = {
  'grpc.enable_http_proxy': 0,
  'grpc.enable_channelz': 0,
  'grpc.enable_retries': 0,
  // A leader that was stopped is replaced within a lease: this finds out about hosts that are gone.
  ...toKeepaliveOptions(peerKeepalive),
  // A leader that starts listens a moment after it took the lease.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  // What a reader that is slow makes this side hold of its stream.
  'grpc-node.flow_control_window': 256 * 1024,
  'grpc.use_local_subchannel_pool': 1,
  // The certificate names the hub, whatever address it is reached by.
  'grpc.ssl_target_name_override': 'groundswell-hub',
} as const

const PeerClient = makeGenericClientConstructor(
  {
    ...toRawDefinition(SyncService),
    ...toRawDefinition(EnrolService),
    connect: tunnelMethod,
  },
  'Peer',
)

type Unary = (
  request: Buffer,
  metadata: Metadata,
  options: { readonly deadline: number },
  callback: (error: ServiceError | null, answer?: Buffer) => void,
) => void

/** What grpc-js makes of the definition. */
interface PeerCalls extends Readonly<Record<EnrolMethod, Unary>> {
  sync(metadata: Metadata): RelayedStream
  connect(): ClientDuplexStream<Buffer, Buffer>
}

const enrolMs = 20_000

/** Reaches the leader at `HOST:PORT` over mutual TLS, again and again until it is closed. */
export function reachLeader(
  address: string,
  hubCa: string,
  { key, certificate, issuer }: ServerCertificate,
): LeaderLink {
  const client = new PeerClient(
    address,
    boundHandshakes(
      credentials.createSsl(
        Buffer.from(hubCa),
        Buffer.from(key),
        Buffer.from(`${certificate}\n${issuer}`),
      ),
    ),
    linkOptions,
  )
  const calls = client as unknown as PeerCalls

  return {
    get up() {
      try {
        return client.getChannel().getConnectivityState(true) === connectivityState.READY
      } catch {
        return false
      }
    },
    ready: (ms) =>
      new Promise((resolve, reject) => {
        client.waitForReady(Date.now() + ms, (cause) => {
          if (!cause) resolve()
          else reject(new HubError('no_leader', 'the hub that leads cannot be reached', { cause }))
        })
      }),
    sync: (caller) => calls.sync(headers(formatCaller(caller))),
    enrol(method, request, from) {
      return new Promise((resolve, reject) => {
        const deadline = Date.now() + enrolMs
        calls[method](request, headers(from), { deadline }, (error, answer) => {
          if (error) reject(error)
          else resolve(answer!)
        })
      })
    },
    connect() {
      const call = calls.connect()
      return toSocket(call, () => call.cancel())
    },
    close: () => client.close(),
  }
}

function headers(caller: string): Metadata {
  const metadata = new Metadata()
  metadata.set(callerHeader, Buffer.from(caller))
  return metadata
}
