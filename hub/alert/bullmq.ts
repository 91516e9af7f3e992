import { type Job, Queue, UnrecoverableError, Worker } from 'bullmq'
import { closeQueue } from '../bullmq.ts'
import type { Seal } from '../replica/seal.ts'
import { NotNow } from './not-now.ts'
import type { Letter } from './payload.ts'

/** Where a letter is. */
export type Whereabouts = 'none' | 'underWay' | 'sent' | 'givenUp'

/** Carries letters to where they are sent, again and again until they are taken. */
export interface Courier {
  /** Takes a letter, once for each id: one that it has, or had within a day, is not taken again. */
  post(letter: Letter): Promise<Whereabouts>
  where(id: string): Promise<Whereabouts>
  /** @param deliver rejects where it is to be tried again */
  listen(
    deliver: (letter: Letter) => Promise<void>,
    ended: (letter: Letter, outcome: 'sent' | 'givenUp', reason: string) => void,
  ): void
  close(): Promise<void>
}

export interface CourierOptions {
  readonly url: string
  readonly fleet: string
  /** Who writes to Redis can hold letters back, but not have any sent that are not ours. */
  readonly seal: Seal
  readonly log: (message: string, cause: unknown) => void
  /** Milliseconds before the second try; each is twice as long as the one before, an hour at the most. */
  readonly firstPause?: number
  /** Tries of one letter; some ten hours with the usual pauses. */
  readonly attempts?: number
}

interface Sealed {
  readonly sealed: string
}

const longestPause = 60 * 60_000
/** What was sent or given up is remembered for so long, in seconds, and so many of each. */
const remembered = { age: 24 * 3_600, count: 10_000 }

/** Letters by BullMQ: one job each, whose id follows from what is told to whom. */
export function createCourier(options: CourierOptions): Courier {
  const { url, fleet, seal, log, firstPause = 2_000, attempts = 20 } = options
  const prefix = `gs:{${fleet}}:queue`
  const shared = { url, retryStrategy: (attempt: number) => Math.min(attempt * 100, 2_000) }
  const queue = new Queue<Sealed>('letters', {
    connection: { ...shared, enableOfflineQueue: false, maxRetriesPerRequest: 1 },
    prefix,
    defaultJobOptions: {
      attempts,
      backoff: { type: 'custom' },
      removeOnComplete: remembered,
      removeOnFail: remembered,
    },
  })
  queue.on('error', (error) => log('the queue of notifications failed', error))
  let worker: Worker<Sealed> | undefined

  function open({ id, data }: Job<Sealed>): Letter | undefined {
    const text = typeof data.sealed === 'string' ? seal.open(data.sealed) : undefined
    const letter = text === undefined ? undefined : (JSON.parse(text) as Letter)
    return letter?.id === id ? letter : undefined
  }

  async function where(id: string): Promise<Whereabouts> {
    const job = await queue.getJob(id)
    if (!job) return 'none'
    const state = await job.getState()
    switch (state) {
      case 'completed':
        return 'sent'
      case 'failed':
        return 'givenUp'
      case 'unknown':
        return 'none'
      case 'active':
      case 'delayed':
      case 'prioritized':
      case 'waiting':
      case 'waiting-children':
        return 'underWay'
      default:
        return 'underWay'
    }
  }

  return {
    async post(letter) {
      const known = await where(letter.id)
      if (known !== 'none') return known
      await queue.add(
        'letter',
        { sealed: seal.close(JSON.stringify(letter)) },
        { jobId: letter.id },
      )
      return 'underWay'
    },
    where,
    listen(deliver, ended) {
      worker = new Worker<Sealed>(
        'letters',
        async (job) => {
          const letter = open(job)
          if (!letter) throw new UnrecoverableError('it is not ours')
          await deliver(letter)
        },
        {
          connection: { ...shared, maxRetriesPerRequest: null },
          prefix,
          concurrency: 4,
          maxStalledCount: 10,
          settings: {
            backoffStrategy: (tried, _type, error) => {
              const asked = error instanceof NotNow ? error.pause : 0
              return Math.min(longestPause, Math.max(asked, firstPause * 2 ** (tried - 1)))
            },
          },
        },
      )
      worker.on('error', (error) => log('the courier of notifications failed', error))
      worker.on('completed', (job) => {
        const letter = open(job)
        if (letter) ended(letter, 'sent', '')
      })
      worker.on('failed', (job, error) => {
        const letter = job && open(job)
        if (!letter) return log('a notification in Redis is not ours, and is not sent', error)
        if (job.attemptsMade >= attempts) return ended(letter, 'givenUp', error.message)
        log(`a notification to ${letter.provider} is tried again`, error)
      })
    },
    async close() {
      await closeQueue(queue, worker, log)
    },
  }
}
