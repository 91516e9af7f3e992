import type { Queue, Worker } from 'bullmq'

/** A worker says goodbye for ever to a Redis that is gone; what it held is run again elsewhere. */
const closeMs = 2_000

/**
 * Ends a queue and its worker, in any state of their Redis: never throws, and takes two seconds at most. A
 * connection that was just cut cannot be ended in order, and would be made anew for ever.
 */
export async function closeQueue(
  queue: Queue,
  worker: Worker | undefined,
  log: (message: string, cause: unknown) => void,
): Promise<void> {
  const goodbye = async (): Promise<boolean> => {
    try {
      await worker?.close()
      await queue.close()
      return true
    } catch (error) {
      log('the queue was not ended in order', error)
      return false
    }
  }
  const patience = new Promise<boolean>((resolve) => {
    setTimeout(() => resolve(false), closeMs).unref()
  })
  if (await Promise.race([goodbye(), patience])) return
  for (const one of [worker, queue]) {
    one?.disconnect().catch((error: unknown) => log('a connection of the queue was left', error))
  }
}
