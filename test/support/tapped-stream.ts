import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  type SyncRequest,
  type SyncResponse,
  SyncResponseSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import type { Stream } from '../../agent/link/grpc.ts'
import { createChannel } from './channel.ts'

type ResponseInit = NonNullable<MessageInitShape<typeof SyncResponseSchema>['message']>

/** A real stream with somebody in the middle, who may speak as the hub and hears the agent. */
export interface TappedStream extends Stream {
  say(message: ResponseInit): void
}

export function tapStream(
  stream: Stream,
  hear: (message: SyncRequest['message'] | SyncResponse['message']) => void,
): TappedStream {
  const responses = createChannel<SyncResponse>()
  const pump = async (): Promise<void> => {
    try {
      for await (const response of stream.responses) {
        hear(response.message)
        responses.push(response)
      }
      responses.end()
    } catch (error) {
      responses.fail(error)
    }
  }
  void pump()
  return {
    responses,
    send(request) {
      hear(request.message)
      return stream.send(request)
    },
    close: () => stream.close(),
    say: (message) => responses.push(create(SyncResponseSchema, { message })),
  }
}
