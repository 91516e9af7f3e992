import { connect as connectTls } from 'node:tls'
import { type X509Certificate, createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdDecompress, zstdDecompressSync } from 'node:zlib'
import {
  type ChannelCredentials,
  type ClientDuplexStream,
  Metadata,
  type ServiceError,
  credentials,
  makeGenericClientConstructor,
  status,
} from '@grpc/grpc-js'
import {
  type BeginRequest,
  type BeginResponse,
  type ClaimRequest,
  type ClaimResponse,
  type EnrolRequest,
  type EnrolResponse,
  EnrolService,
} from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import {
  type SyncRequest,
  type SyncResponse,
  SyncService,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { rehearsalHeader } from '@groundswell/proto/rehearsal.ts'
import { toServiceDefinition } from '@groundswell/proto/grpc.ts'
import { boundHandshakes } from '@groundswell/proto/tls/grpc.ts'
import { type Keepalive, keepalive, toKeepaliveOptions } from '@groundswell/proto/keepalive.ts'
import { AgentError, type AgentErrorCode } from '../errors.ts'
import { toTarget } from './addresses.ts'
import type { CertificateLife } from './hub-certificate.ts'
import { type Relay, openRelay, openTunnel } from './net.ts'
import { type Proxy, splitAddress } from './proxy.ts'
import { holdAttempts, putOffPing } from './channel/grpc.ts'
import {
  type HubTrust,
  createDoubtingCredentials,
  credentialsOf,
  findDistrust,
  hubName,
} from './tls/grpc.ts'
import type { Decompress } from './unpack.ts'

const decompress = promisify(zstdDecompress)

/** Up to here another thread costs more than the work. */
const atOnce = 64 * 1024

/** Stops at the declared size: a bomb costs no more than an honest pack. */
export const decompressZstd: Decompress = async (bytes, limit) => {
  const options = { maxOutputLength: Math.max(1, limit) }
  return limit <= atOnce ? zstdDecompressSync(bytes, options) : decompress(bytes, options)
}

const channelOptions = {
  // grpc-js reads half of the variables and takes names apart in its own way: see proxy.ts.
  'grpc.enable_http_proxy': 0,
  'grpc.enable_channelz': 0,
  'grpc.enable_retries': 0,
  ...toKeepaliveOptions(keepalive),
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  'grpc-node.flow_control_window': 1024 * 1024,
  'grpc.use_local_subchannel_pool': 1,
  // The CA is pinned.
  'grpc.ssl_target_name_override': hubName,
} as const

/** Where the hub is and how both sides know each other. */
export interface Endpoint extends HubTrust {
  /** `host:port`, or several with commas between. */
  readonly address: string
  /** The usual one when left out. */
  readonly keepalive?: Keepalive
}

/** A live stream: messages both ways; ends when either side does. */
export interface Stream {
  readonly responses: AsyncIterable<SyncResponse>
  /** Resolves when there is room for more. */
  send(message: SyncRequest): Promise<void>
  close(): void
  /**
   * Once the hub has answered: the life of its certificate, where it is not good by this machine's
   * clock. Before a signer has attested a time within it, this need not be the hub.
   */
  doubtful?(): CertificateLife | undefined
}

/** How to open a stream. */
export interface DialOptions {
  readonly proxy?: Proxy | undefined
  /** One of several; without it, the first. */
  readonly address?: string
  /** This machine's clock may be wrong: a hub's certificate is taken whatever its time. */
  readonly doubted?: boolean
}

const SyncClient = makeGenericClientConstructor(toServiceDefinition(SyncService), 'Sync')
const EnrolClient = makeGenericClientConstructor(toServiceDefinition(EnrolService), 'Enrol')

/**
 * Opens the one stream to the data listener.
 *
 * @throws AgentError from `responses`: `hub_unreachable`, `hub_untrusted`, and `hub_certificate_time`
 *   when the hub's certificate is not good at the time that this machine's clock tells
 */
export function dial(endpoint: Endpoint, options: DialOptions = {}): Stream {
  return openWith(endpoint, options, new Metadata())
}

/** A stream that only tries whether the hub would let us in: the one it has stays the one that counts. */
export function dialRehearsal(endpoint: Endpoint, options: DialOptions = {}): Stream {
  const headers = new Metadata()
  headers.set(rehearsalHeader, '1')
  return openWith(endpoint, options, headers)
}

type Open = (address: string) => Stream

function openWith(
  endpoint: Endpoint,
  { proxy, address = endpoint.address, doubted = false }: DialOptions,
  headers: Metadata,
): Stream {
  const open: Open = (target) =>
    doubted
      ? openDoubted(target, endpoint, headers)
      : openStream(target, endpoint, credentialsOf(endpoint), headers)
  return proxy ? dialThrough(proxy, address, open) : open(address)
}

function dialThrough(proxy: Proxy, address: string, open: Open): Stream {
  let closed = false
  let doubtful = (): CertificateLife | undefined => undefined
  const opened = openRelay(proxy, address).then((relay) => {
    const stream = open(relay.target)
    doubtful = () => stream.doubtful?.()
    const close = (): void => {
      stream.close()
      relay.close()
    }
    if (closed) close()
    return { relay, stream, close }
  })
  opened.catch(() => {})
  async function* responses(): AsyncGenerator<SyncResponse> {
    const { relay, stream } = await opened
    try {
      yield* stream.responses
    } catch (error) {
      throw relay.fault ?? error
    }
  }
  return {
    responses: responses(),
    send: async (message) => (await opened).stream.send(message),
    doubtful: () => doubtful(),
    close() {
      closed = true
      opened.then(({ close }) => close()).catch(() => {})
    },
  }
}

/** A stream for which all of the hub's certificate is checked but its time. */
function openDoubted(address: string, endpoint: Endpoint, headers: Metadata): Stream {
  const { trust, found } = createDoubtingCredentials(endpoint)
  const stream = openStream(address, endpoint, trust, headers)
  async function* responses(): AsyncGenerator<SyncResponse> {
    for await (const response of stream.responses) {
      // Nothing is believed of a connection that nobody judged.
      if (!found()) throw new AgentError('hub_untrusted', 'the hub was not looked at')
      yield response
    }
  }
  return { ...stream, responses: responses(), doubtful: () => found()?.life }
}

function openStream(
  address: string,
  { keepalive: own }: Pick<Endpoint, 'keepalive'>,
  trust: ChannelCredentials,
  headers: Metadata,
): Stream {
  const options = { ...channelOptions, ...(own && toKeepaliveOptions(own)) }
  const client = new SyncClient(toTarget(address), trust, options)
  const open = client['sync'] as unknown as (
    headers: Metadata,
  ) => ClientDuplexStream<SyncRequest, SyncResponse>
  const call = open.call(client, headers)
  call.on('error', () => {})
  const channel = client.getChannel()
  return {
    responses: translate(call, () => putOffPing(channel)),
    send: (message) => write(call, message),
    close() {
      call.cancel()
      const stop = holdAttempts(channel)
      client.close()
      stop()
    },
  }
}

async function* translate(
  call: ClientDuplexStream<SyncRequest, SyncResponse>,
  onMessage: () => void,
): AsyncGenerator<SyncResponse> {
  try {
    for await (const message of call) {
      onMessage()
      yield message as SyncResponse
    }
  } catch (cause) {
    throw findDistrust(cause as ServiceError) ?? toStreamError(cause as ServiceError)
  }
}

function toStreamError(cause: ServiceError): AgentError {
  const code = streamFaults.get(cause.code) ?? 'hub_unreachable'
  return new AgentError(code, cause.details || String(cause), { cause })
}

/** What the hub says of who we are; all else is the link's fault. */
const streamFaults = new Map<status, AgentErrorCode>([
  [status.UNAUTHENTICATED, 'identity_refused'],
  [status.PERMISSION_DENIED, 'locked'],
])

async function write(
  call: ClientDuplexStream<SyncRequest, SyncResponse>,
  message: SyncRequest,
): Promise<void> {
  if (call.destroyed) throw new AgentError('hub_unreachable', 'the stream has ended')
  if (call.write(message)) return
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error): void => {
      call.off('drain', onDrain)
      call.off('close', onEnd)
      call.off('error', onEnd)
      if (error) reject(error)
      else resolve()
    }
    const onDrain = (): void => settle()
    const onEnd = (): void => settle(new AgentError('hub_unreachable', 'the stream has ended'))
    call.once('drain', onDrain)
    call.once('close', onEnd)
    call.once('error', onEnd)
  })
}

/** The enrol listener's calls, after its CA was found to match the pin. */
export interface EnrolCalls {
  begin(request: BeginRequest): Promise<BeginResponse>
  enrol(request: EnrolRequest): Promise<EnrolResponse>
  claim(request: ClaimRequest): Promise<ClaimResponse>
  close(): void
}

/** @throws AgentError `hub_unreachable`, `hub_untrusted` when no certificate of the chain is pinned */
export async function dialEnrolment(
  address: string,
  trust: string | { readonly ca: string },
  proxy?: Proxy,
): Promise<EnrolCalls> {
  const ca = typeof trust === 'string' ? await fetchPinnedCa(address, trust, proxy) : trust.ca
  const relay: Relay | undefined = proxy && (await openRelay(proxy, address))
  const credentialsOfHub = boundHandshakes(credentials.createSsl(Buffer.from(ca)))
  const client = new EnrolClient(relay?.target ?? address, credentialsOfHub, { ...channelOptions })
  function call<O>(name: string, request: object): Promise<O> {
    const method = client[name] as unknown as (
      request: object,
      options: { deadline: number },
      callback: (error: ServiceError | null, value?: O) => void,
    ) => { metadata?: Metadata }
    return new Promise((resolve, reject) => {
      method.call(client, request, { deadline: Date.now() + 20_000 }, (error, value) => {
        if (error) reject(relay?.fault ?? toEnrolError(error))
        else resolve(value!)
      })
    })
  }
  return {
    begin: (request) => call('begin', request),
    enrol: (request) => call('enrol', request),
    claim: (request) => call('claim', request),
    close() {
      client.close()
      relay?.close()
    },
  }
}

const enrolFaults = new Map<status, AgentErrorCode>([
  [status.PERMISSION_DENIED, 'token_refused'],
  [status.UNAUTHENTICATED, 'token_refused'],
  [status.INVALID_ARGUMENT, 'token_refused'],
  [status.RESOURCE_EXHAUSTED, 'hub_busy'],
])

function toEnrolError(error: ServiceError): AgentError {
  const distrust = findDistrust(error)
  if (distrust) return distrust
  const code = enrolFaults.get(error.code) ?? 'hub_unreachable'
  return new AgentError(code, error.details, { cause: error })
}

/** Reads the chain the hub shows and returns the CA whose public key is pinned; trusts nothing else. */
async function fetchPinnedCa(address: string, caPin: string, proxy?: Proxy): Promise<string> {
  const tunnel = proxy && (await openTunnel(proxy, address))
  const to = tunnel ? { socket: tunnel } : splitAddress(address)
  const chain = await new Promise<X509Certificate[]>((resolve, reject) => {
    // The chain is only read here: what is sent over the channel opened next is verified by it.
    const socket = connectTls(
      { ...to, rejectUnauthorized: false, ALPNProtocols: ['h2'], timeout: 10_000 },
      () => {
        const found: X509Certificate[] = []
        for (
          let at = socket.getPeerX509Certificate();
          at &&
          found.length < 5 &&
          !found.some((known) => known.fingerprint256 === at?.fingerprint256);
          at = at.issuerCertificate
        ) {
          found.push(at)
        }
        socket.destroy()
        tunnel?.destroy()
        resolve(found)
      },
    )
    socket.on('timeout', () => socket.destroy(new Error('timed out')))
    socket.on('error', (cause) => {
      tunnel?.destroy()
      reject(new AgentError('hub_unreachable', `${address}: ${cause.message}`, { cause }))
    })
  })
  for (const certificate of chain) {
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
    const pin = `sha256:${createHash('sha256').update(spki).digest('hex')}`
    if (pin === caPin && certificate.ca) return certificate.toString()
  }
  throw new AgentError(
    'hub_untrusted',
    `${address} does not show the hub CA this join token was made for`,
  )
}
