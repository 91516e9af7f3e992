import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { Digest } from '@groundswell/proto/digest.ts'
import {
  type SyncRequest,
  type SyncResponse,
  SyncResponseSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { AgentError } from '../../agent/errors.ts'
import type { Stream } from '../../agent/link/grpc.ts'
import type { Bundle } from '../../hub/bundle/build.ts'
import { packBlobs } from '../../hub/sync/pack.ts'
import { createChannel } from './channel.ts'

type RequestMessage = SyncRequest['message']
type ResponseInit = NonNullable<MessageInitShape<typeof SyncResponseSchema>['message']>
type Case = NonNullable<RequestMessage['case']>
type ValueOf<C extends Case> = Extract<RequestMessage, { case: C }>['value']

/** One stream as the hub sees it, played by a test. */
export interface FakeStream extends Stream {
  /** What the agent sent of one kind, in order. */
  heard<C extends Case>(kind: C): ValueOf<C>[]
  say(message: ResponseInit): void
  welcome(reconnectWindowSeconds?: number): void
  goodbye(reconnectWindowSeconds: number): void
  offer(envelope: Uint8Array): void
  /** The hub goes away. */
  drop(): void
  /** Sends wait for this, to play a full pipe. */
  held: Promise<void>
  readonly closed: boolean
}

/** A hub's data listener without a wire: it keeps every stream that was dialled. */
export function createFakeStreams() {
  const streams: FakeStream[] = []
  const blobs = new Map<Digest, Uint8Array>()
  const hub = {
    streams,
    blobs,
    /** When false, wants are heard and not answered. */
    answers: true,
    /** When true, streams break as soon as they are dialled. */
    away: false,
    store(...bundles: readonly Bundle[]) {
      for (const { manifest, objects } of bundles) {
        for (const { digest, bytes } of [manifest, ...objects]) blobs.set(digest, bytes)
      }
    },
    async answer(stream: FakeStream, wanted: readonly string[]) {
      const found = wanted.flatMap((digest) => {
        const bytes = blobs.get(digest as Digest)
        return bytes ? [{ digest: digest as Digest, bytes }] : []
      })
      const missing = wanted.filter((digest) => !blobs.has(digest as Digest))
      for await (const value of packBlobs(found, missing, async (bytes) => bytes)) {
        stream.say({ case: 'content', value })
      }
    },
    dial(): FakeStream {
      const stream = open()
      streams.push(stream)
      if (hub.away) stream.drop()
      return stream
    },
    last: () => streams.at(-1)!,
  }

  function open(): FakeStream {
    const responses = createChannel<SyncResponse>()
    const sent: RequestMessage[] = []
    let closed = false
    const gone = () => new AgentError('hub_unreachable', 'the stream has ended')
    const say = (message: ResponseInit) => responses.push(create(SyncResponseSchema, { message }))
    const drop = () => {
      closed = true
      responses.fail(gone())
    }
    const stream: FakeStream = {
      responses,
      held: Promise.resolve(),
      say,
      drop,
      close: drop,
      get closed() {
        return closed
      },
      goodbye: (reconnectWindowSeconds) =>
        say({ case: 'goodbye', value: { reason: 'test', reconnectWindowSeconds } }),
      welcome: (reconnectWindowSeconds = 0) =>
        say({
          case: 'welcome',
          value: { cluster: 'a', heartbeatSeconds: 20, reconnectWindowSeconds },
        }),
      offer: (envelope) => say({ case: 'offer', value: { envelope: Uint8Array.from(envelope) } }),
      heard: <C extends Case>(kind: C) =>
        sent.flatMap((message) => (message.case === kind ? [message.value as ValueOf<C>] : [])),
      async send({ message }) {
        if (closed) throw gone()
        sent.push(message)
        if (message.case === 'want' && hub.answers) void hub.answer(stream, message.value.digests)
        await stream.held
      },
    }
    return stream
  }

  return hub
}
