import type { MessageInitShape } from '@bufbuild/protobuf'
import type { DryRunAnswer, DryRunSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { HubError } from '../errors.ts'

/** A question to an agent; its `id` names the answer. */
export type DryRunQuestion = MessageInitShape<typeof DryRunSchema> & { readonly id: string }

/** Questions that one agent may owe answers to. */
const openAtMost = 4

/** What an agent was asked over its stream, until it answers, the stream ends or nobody waits. */
export function createQuestions(send: (asked: DryRunQuestion) => Promise<void>) {
  const open = new Map<
    string,
    { resolve(answer: DryRunAnswer): void; reject(error: Error): void }
  >()

  return {
    /** @throws HubError `busy`, `conflict` when the stream ended; the signal's reason */
    async ask(asked: DryRunQuestion, signal: AbortSignal): Promise<DryRunAnswer> {
      signal.throwIfAborted()
      if (open.size >= openAtMost)
        throw new HubError('conflict', 'this cluster is busy with dry runs')
      const { promise, resolve, reject } = Promise.withResolvers<DryRunAnswer>()
      const stop = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', stop)
      open.set(asked.id, { resolve, reject })
      try {
        await Promise.race([send(asked), promise])
        return await promise
      } finally {
        signal.removeEventListener('abort', stop)
        open.delete(asked.id)
        promise.catch(() => {})
      }
    },
    /** An answer that nobody waits for any more is dropped. */
    take(answer: DryRunAnswer): void {
      open.get(answer.id)?.resolve(answer)
    },
    end(): void {
      for (const waiting of open.values()) {
        waiting.reject(new HubError('conflict', 'the cluster was disconnected'))
      }
    },
  }
}
