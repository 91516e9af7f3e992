import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { type MessageInitShape, create } from '@bufbuild/protobuf'
import {
  type SyncRequest,
  type SyncResponse,
  SyncResponseSchema,
  SyncService,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { digestOf } from '@groundswell/proto/digest.ts'
import { toServiceDefinition } from '@groundswell/proto/grpc.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { makePack } from './packs.ts'

/* A hub that never stops sending, as a process of its own: its memory is not its victim's. */

type Message = NonNullable<MessageInitShape<typeof SyncResponseSchema>['message']>

const junk = Buffer.alloc(250 * 1024, 'endless')
const pumped: { readonly [mode: string]: (want: readonly string[], turn: number) => Message } = {
  junk: () => ({ case: 'content', value: makePack([{ digest: digestOf(junk), data: junk }]) }),
  // Of everything wanted the largest size is stated, and one byte sent.
  begun: (want, turn) => ({
    case: 'content',
    value: makePack([
      { digest: want[turn % want.length]!, size: 1_536 * 1024, data: Buffer.from('x') },
    ]),
  }),
  offers: () => ({ case: 'offer', value: { envelope: Uint8Array.from(junk) } }),
}

const [directory, mode] = process.argv.slice(2) as [string, string]
const authority = await loadAuthority(directory, 'test', Date.now)
const certificate = await authority.serve(['groundswell-hub', '127.0.0.1'])
const server = new Server({ 'grpc.enable_channelz': 0 })

/** Bytes given to all streams so far; told when asked, as HTTP/2 may notice an agent's end late. */
let fed = 0
process.on('message', () => process.send!({ fed }))

function sync(call: ServerDuplexStream<SyncRequest, SyncResponse>): void {
  let turn = 0
  call.on('error', () => {})
  const pump = (want: readonly string[]): void => {
    while (!call.cancelled) {
      const message = create(SyncResponseSchema, { message: pumped[mode]!(want, turn) })
      turn += 1
      fed += mode === 'begun' ? 100 : junk.byteLength
      if (call.write(message)) continue
      call.once('drain', () => setImmediate(pump, want))
      return
    }
  }
  call.on('data', ({ message }: SyncRequest) => {
    if (message.case === 'want') pump(message.value.digests)
    if (message.case === 'hello') {
      call.write(
        create(SyncResponseSchema, {
          message: { case: 'welcome', value: { heartbeatSeconds: 1 } },
        }),
      )
    }
  })
}

server.addService(toServiceDefinition(SyncService), { sync })
const credentials = ServerCredentials.createSsl(
  null,
  [
    {
      private_key: Buffer.from(certificate.key),
      cert_chain: Buffer.from(certificate.certificate),
    },
  ],
  false,
)
server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
  if (error) throw error
  const endpoint = {
    address: `127.0.0.1:${port}`,
    hubCa: authority.certificate,
    certificateChain: certificate.certificate,
    key: certificate.key,
  }
  process.send!({ endpoint })
})
