import type { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'

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

/** Keys taken away at once. */
const keysAtOnce = 500

/** Takes away all that is in a queue, whatever its keys are. */
async function emptyQueue(url: string, queue: Queue): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, commandTimeout: closeMs })
  redis.on('error', () => {})
  try {
    const all = redis.scanStream({ match: `${queue.toKey('')}*`, count: keysAtOnce })
    for await (const keys of all) if (keys.length > 0) await redis.unlink(keys as string[])
  } finally {
    redis.disconnect()
  }
}

/** Somebody else wrote to the queue's keys: nothing moves in it any more, ever. */
function isUnreadable(error: unknown): boolean {
  if (error instanceof SyntaxError) return true
  return error instanceof Error && /WRONGTYPE|not an integer|not a valid float/.test(error.message)
}

/** Begins a queue anew where an error says that it cannot be read. Never throws. */
export type Renew = (error: unknown) => Promise<void>

/** What was in the queue is as good as lost: whoever put it there does so again. */
export function createRenew(
  url: string,
  queue: Queue,
  log: (message: string, cause: unknown) => void,
): Renew {
  let renewing: Promise<void> | undefined
  async function empty(error: unknown): Promise<void> {
    try {
      await emptyQueue(url, queue)
      log(`the queue ${queue.name} could not be read, and is begun anew`, error)
    } catch (cause) {
      log(`the queue ${queue.name} cannot be read, nor begun anew yet`, cause)
    }
    renewing = undefined
  }
  return async (error) => {
    if (isUnreadable(error)) await (renewing ??= empty(error))
  }
}
