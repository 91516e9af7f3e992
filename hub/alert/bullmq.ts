import { isName } from '@groundswell/proto/statement-shape.ts'
import { type Job, Queue, UnrecoverableError, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { closeQueue, createRenew, type Renew } from '../bullmq.ts'
import { HubError } from '../errors.ts'
import { orAnew, orLost } from '../redis.ts'
import type { Seal } from '../replica/seal.ts'
import { NotNow } from './not-now.ts'
import type { Letter } from './payload.ts'

/** Where a letter is. */
export type Whereabouts = 'none' | 'underWay' | 'sent' | 'givenUp'

/** Carries letters to where they are sent, again and again until they are taken. */
export interface Courier {
  /** Takes a letter, once for each id: one that it has, or had within a day, is not taken again. */
  post(letter: Letter): Promise<Whereabouts>
  where(letter: Pick<Letter, 'id' | 'provider'>): Promise<Whereabouts>
  /** Carries what is there for these providers, and clears what is there for others. */
  serve(providers: ReadonlySet<string>): Promise<void>
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

/** A queue of a provider's own, and who works at it. */
interface Lane {
  readonly queue: Queue<Sealed>
  readonly renew: Renew
  worker: Worker<Sealed> | undefined
}

/** Letters sent at once to one provider: one that does not answer holds up its own only. */
const sendsAtOnce = 4
const longestPause = 60 * 60_000
/** What was sent or given up is remembered for so long, in seconds, and so many of each. */
const remembered = { age: 24 * 3_600, count: 10_000 }

const nameOf = (provider: string): string => `letters.${provider}`

/**
 * Letters by BullMQ: a queue for each provider, and one job each, whose id follows from what is told
 * to whom. Redis knows for whom there are queues, so that what is left of a provider can be cleared.
 */
export function createCourier(options: CourierOptions): Courier {
  const { url, fleet, seal, log, firstPause = 2_000, attempts = 20 } = options
  const prefix = `gs:{${fleet}}:queue`
  const shared = { url, retryStrategy: (attempt: number) => Math.min(attempt * 100, 2_000) }
  const served = `${prefix}:letters-to`
  const index = new Redis(url, { ...shared, maxRetriesPerRequest: 1, commandTimeout: 2_000 })
  index.on('error', (error) => log('the index of notification queues failed', error))
  const lanes = new Map<string, Lane>()
  /** Those that are being cleared. */
  const leaving = new Map<string, Lane>()
  let closed = false
  let work: ((lane: Pick<Lane, 'queue' | 'renew'>) => Worker<Sealed>) | undefined

  function openLane(provider: string): Lane {
    const queue = new Queue<Sealed>(nameOf(provider), {
      connection: { ...shared, enableOfflineQueue: false, maxRetriesPerRequest: 1 },
      prefix,
      defaultJobOptions: {
        attempts,
        backoff: { type: 'custom' },
        removeOnComplete: remembered,
        removeOnFail: remembered,
      },
    })
    queue.on('error', (error) => log(`the queue of notifications to ${provider} failed`, error))
    return { queue, renew: createRenew(url, queue, log), worker: undefined }
  }

  function laneTo(provider: string): Lane {
    const known = lanes.get(provider)
    if (known) return known
    const lane = openLane(provider)
    lane.worker = work?.(lane)
    lanes.set(provider, lane)
    return lane
  }

  /** Clears what is there for a provider. What was just being sent may still arrive. */
  async function leave(provider: string): Promise<void> {
    const lane = lanes.get(provider)
    lanes.delete(provider)
    const rest = openLane(provider)
    leaving.set(provider, rest)
    try {
      if (lane) await closeQueue(lane.queue, lane.worker, log)
      await rest.queue.obliterate({ force: true })
      await index.srem(served, provider)
    } catch (error) {
      if (!closed) log(`the queue of notifications to ${provider} is not cleared yet`, error)
      await rest.renew(error)
    }
    await closeQueue(rest.queue, undefined, log)
    leaving.delete(provider)
  }

  function open({ id, data }: Job<Sealed>): Letter | undefined {
    const text = typeof data.sealed === 'string' ? seal.open(data.sealed) : undefined
    const letter = text === undefined ? undefined : (JSON.parse(text) as Letter)
    return letter?.id === id ? letter : undefined
  }

  /** Where a queue cannot be read it is begun anew, for whoever asks again. */
  async function ask<T>(provider: string, work: (queue: Queue<Sealed>) => Promise<T>): Promise<T> {
    const { queue, renew } = laneTo(provider)
    try {
      return await work(queue)
    } catch (error) {
      await renew(error)
      throw error
    }
  }

  async function where({ id, provider }: Pick<Letter, 'id' | 'provider'>): Promise<Whereabouts> {
    if (leaving.has(provider)) return 'none'
    return ask(provider, (queue) => findIn(queue, id))
  }

  async function findIn(queue: Queue<Sealed>, id: string): Promise<Whereabouts> {
    const job = await queue.getJob(id)
    if (!job) return 'none'
    const state = await job.getState()
    switch (state) {
      case 'completed':
        return 'sent'
      case 'failed':
        return 'givenUp'
      case 'unknown':
        // In no list of the queue: it would never be sent, and not be taken again either.
        await job.remove()
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
      const { provider } = letter
      const known = await where(letter)
      if (known !== 'none') return known
      await orAnew(index, served, () => index.sadd(served, provider))
      if (leaving.has(provider)) {
        const why = `what was for ${provider} before it was taken out of Git is cleared first`
        throw new HubError('notification_failed', why)
      }
      const data = { sealed: seal.close(JSON.stringify(letter)) }
      await ask(provider, (queue) => queue.add('letter', data, { jobId: letter.id }))
      return 'underWay'
    },
    where,
    async serve(providers) {
      for (const provider of providers) if (!leaving.has(provider)) laneTo(provider)
      const noted = await orLost(index.smembers(served), [])
      const known = noted.filter(isName)
      // Of what somebody else wrote there no queue can be: opening one would throw, or be of others' keys.
      const noise = noted.filter((name) => !isName(name))
      if (noise.length > 0) await index.srem(served, ...noise)
      for (const provider of new Set([...lanes.keys(), ...known])) {
        if (providers.has(provider) || leaving.has(provider)) continue
        void leave(provider)
      }
    },
    listen(deliver, ended) {
      work = (lane) => workAt(lane, deliver, ended)
      for (const lane of lanes.values()) lane.worker ??= work(lane)
    },
    async close() {
      closed = true
      const open = [...lanes.values(), ...leaving.values()]
      await Promise.all(open.map(({ queue, worker }) => closeQueue(queue, worker, log)))
      index.disconnect()
    },
  }

  function workAt(
    { queue, renew }: Pick<Lane, 'queue' | 'renew'>,
    deliver: Parameters<Courier['listen']>[0],
    ended: Parameters<Courier['listen']>[1],
  ): Worker<Sealed> {
    const worker = new Worker<Sealed>(
      queue.name,
      async (job) => {
        const letter = open(job)
        if (!letter) throw new UnrecoverableError('it is not ours')
        await deliver(letter)
      },
      {
        connection: { ...shared, maxRetriesPerRequest: null },
        prefix,
        concurrency: sendsAtOnce,
        maxStalledCount: 10,
        settings: {
          backoffStrategy: (tried, _type, error) => {
            const asked = error instanceof NotNow ? error.pause : 0
            return Math.min(longestPause, Math.max(asked, firstPause * 2 ** (tried - 1)))
          },
        },
      },
    )
    worker.on('error', (error) => {
      log('the courier of notifications failed', error)
      void renew(error)
    })
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
    return worker
  }
}
