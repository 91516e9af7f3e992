import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { type MessageInitShape, create } from '@bufbuild/protobuf'
import {
  ContentSchema,
  type SyncRequest,
  type SyncResponse,
  SyncResponseSchema,
  SyncService,
  type Verdict,
  VerdictSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { toServiceDefinition } from '@groundswell/proto/grpc.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { makePack } from './packs.ts'
import { payloadDigest } from './signed-offer.ts'

type Message = NonNullable<MessageInitShape<typeof SyncResponseSchema>['message']>

/** What took a front end over: it answers on its port, with its TLS key, and says what it likes. */
export interface EvilHub extends AsyncDisposable {
  /** True while an agent has its stream here. */
  isConnected(): boolean
  /** Whether the newest report called itself stale. */
  isStale(): boolean
  /** What agents ask freshness by; newest last. */
  readonly nonces: readonly Uint8Array[]
  say(message: Message): void
  /** Offers a snapshot; resolves with what the agent says to it. */
  offer(envelope: Uint8Array): Promise<Verdict>
  /** Bytes given out for a digest; none of others. */
  readonly contents: Map<string, Uint8Array>
}

/** Opens the port of a hub that is gone with the CA of its data directory. */
export async function startEvilHub(ca: string, fleet: string, port: number): Promise<EvilHub> {
  const authority = await loadAuthority(ca, fleet, Date.now)
  const certificate = await authority.serve(['groundswell-hub', 'localhost', '127.0.0.1'])
  const server = new Server({ 'grpc.enable_channelz': 0 })
  const nonces: Uint8Array[] = []
  const contents = new Map<string, Uint8Array>()
  let stream: ServerDuplexStream<SyncRequest, SyncResponse> | undefined
  let stale = false
  let answered: (verdict: Verdict) => void = () => {}
  /** Digest of what is on offer: a report of it is an acceptance too. */
  let offered: string | undefined
  let told = ''

  function sync(call: ServerDuplexStream<SyncRequest, SyncResponse>): void {
    const leave = (): void => {
      if (stream === call) stream = undefined
    }
    call.on('error', leave)
    call.on('cancelled', leave)
    call.on('data', ({ message }: SyncRequest) => {
      if (message.case === 'hello') {
        stream = call
        nonces.push(message.value.nonce)
        say({ case: 'welcome', value: { protocol: 1, heartbeatSeconds: 5 } })
      }
      if (message.case === 'freshness') nonces.push(message.value.nonce)
      if (message.case === 'report') {
        stale = message.value.stale
        const { sequence, snapshotDigest } = message.value
        // What it had before is no answer.
        if (snapshotDigest === offered && snapshotDigest !== told) {
          answered(create(VerdictSchema, { sequence, accepted: true }))
        }
        told = snapshotDigest
      }
      if (message.case === 'verdict') answered(message.value)
      if (message.case === 'want') give(message.value.digests)
    })
  }

  function say(message: Message): void {
    stream?.write(create(SyncResponseSchema, { message }))
  }

  function give(wanted: readonly string[]): void {
    for (const digest of wanted) {
      const data = contents.get(digest)
      const value = data
        ? makePack([{ digest, data }])
        : create(ContentSchema, { missing: [digest] })
      say({ case: 'content', value })
    }
  }

  server.addService(toServiceDefinition(SyncService), { sync })
  const chain = `${certificate.certificate}\n${authority.certificate}`
  const pair = { private_key: Buffer.from(certificate.key), cert_chain: Buffer.from(chain) }
  const credentials = ServerCredentials.createSsl(null, [pair], false)
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error) =>
      error ? reject(error) : resolve(),
    )
  })
  return {
    isConnected: () => stream !== undefined,
    isStale: () => stale,
    nonces,
    contents,
    say,
    offer: (envelope) =>
      new Promise((resolve) => {
        answered = resolve
        offered = payloadDigest(envelope)
        say({ case: 'offer', value: { envelope: Uint8Array.from(envelope) } })
      }),
    async [Symbol.asyncDispose]() {
      server.forceShutdown()
    },
  }
}
