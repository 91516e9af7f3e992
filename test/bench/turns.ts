import type { SyncRequest } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import type { Stream } from '../../agent/link/grpc.ts'

/**
 * Many agents in one process deal with what they are sent one after another, and between any two of
 * them the process reads its sockets: on machines of their own, too, no agent would leave a ping
 * unanswered because ten thousand others have an offer to verify. `onSend` hears what they say.
 */
export function createTurns(onSend: (message: SyncRequest) => void): (stream: Stream) => Stream {
  const waiting: (() => void)[] = []
  let next = 0
  let running = false

  function run(): void {
    const start = waiting[next]
    if (!start) {
      running = false
      waiting.length = 0
      next = 0
      return
    }
    next += 1
    start()
    setImmediate(run)
  }

  function turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.push(resolve)
    if (!running) {
      running = true
      setImmediate(run)
    }
    return promise
  }

  return (stream) => ({
    ...stream,
    send(message) {
      onSend(message)
      return stream.send(message)
    },
    responses: (async function* () {
      for await (const response of stream.responses) {
        await turn()
        yield response
      }
    })(),
  })
}
