import { DelayedError, type Job, Queue, Worker } from 'bullmq'
import { closeQueue, createRenew } from '../../bullmq.ts'
import type { WakeUps } from '../store/store.ts'

interface Alarm {
  readonly rollout: string
}

export interface WakeUpOptions {
  /** Redis URL; the queue keeps connections of its own, since workers block on them. */
  readonly url: string
  readonly fleet: string
  readonly clock: () => number
  readonly log?: (message: string, cause: unknown) => void
  /** Milliseconds a worker may be silent before its job goes to another; 30 s by default. */
  readonly lockDuration?: number
}

const queueName = 'rollouts'
const retryDelay = 1_000

/**
 * Wake-ups by BullMQ: one job for each wave, delayed until the wave must be looked at again and
 * then delayed anew, so their number grows with waves and not with clusters. Job ids are
 * deterministic, so a lost or failed job is simply made again.
 */
export function createWakeUps(options: WakeUpOptions): WakeUps {
  const { url, fleet, clock, log = () => undefined, lockDuration = 30_000 } = options
  const prefix = `gs:{${fleet}}:queue`
  const shared = { url, retryStrategy: (attempt: number) => Math.min(attempt * 100, 2_000) }
  const queue = new Queue<Alarm>(queueName, {
    // A hub without Redis must hear of it, not wait for it.
    connection: { ...shared, enableOfflineQueue: false, maxRetriesPerRequest: 1 },
    prefix,
    defaultJobOptions: { attempts: 3, removeOnComplete: true, removeOnFail: true },
  })
  queue.on('error', (error) => log('the wake-up queue failed', error))
  const renew = createRenew(url, queue, log)
  /** When each alarm of ours should ring; one for each wave in hand. */
  const wanted = new Map<string, number>()
  let worker: Worker<Alarm> | undefined
  let closing = false

  const idOf = (rollout: string, wave: number) => `${rollout}-w${wave}`

  async function place(id: string, rollout: string, at: number): Promise<void> {
    const delay = Math.max(0, at - clock())
    const job = await queue.getJob(id)
    const state = await job?.getState()
    switch (state) {
      case 'delayed':
        await job!.changeDelay(delay)
        return
      case 'waiting':
      case 'active':
      case 'prioritized':
      case 'waiting-children':
        // It rings now, and asks `wanted` afterwards.
        return
      case 'completed':
      case 'failed':
        await job!.remove()
        break
      case 'unknown':
      case undefined:
    }
    await queue.add('wave', { rollout }, { jobId: id, delay })
  }

  async function ring(
    wake: (rollout: string) => Promise<void>,
    job: Job<Alarm>,
    token: string | undefined,
  ): Promise<void> {
    const id = job.id!
    const before = wanted.get(id)
    await wake(job.data.rollout)
    const at = wanted.get(id)
    if (at === undefined) return
    // An alarm that nobody set anew would ring for ever without a pause.
    const next = at === before ? Math.max(at, clock() + retryDelay) : at
    await job.moveToDelayed(next, token)
    const newest = wanted.get(id)
    if (newest !== undefined && newest !== at) {
      await place(id, job.data.rollout, newest)
    }
    throw new DelayedError()
  }

  return {
    async set(rollout, wave, at) {
      const id = idOf(rollout, wave)
      wanted.set(id, at)
      try {
        await place(id, rollout, at)
      } catch (error) {
        // The job changed state between looking and touching it; once more from the start.
        if (closing) return
        log('a wake-up changed while it was set', error)
        await renew(error)
        await place(id, rollout, at)
      }
    },
    async clear(rollout, wave) {
      const id = idOf(rollout, wave)
      wanted.delete(id)
      const job = await queue.getJob(id)
      // An active job is locked by its worker and ends by itself.
      if (job && (await job.getState()) === 'delayed') await job.remove().catch(() => undefined)
    },
    repeat(ms, run) {
      const timer = setInterval(run, ms)
      timer.unref()
      return () => clearInterval(timer)
    },
    listen(wake) {
      worker = new Worker<Alarm>(queueName, (job, token) => ring(wake, job, token), {
        connection: { ...shared, maxRetriesPerRequest: null },
        prefix,
        concurrency: 8,
        lockDuration,
        stalledInterval: lockDuration,
        maxStalledCount: 10,
      })
      worker.on('error', (error) => {
        log('the wake-up worker failed', error)
        void renew(error)
      })
      worker.on('failed', (job, error) => {
        log('a wake-up failed and is made again', error)
        const id = job?.id
        if (!job || id === undefined || closing || !wanted.has(id)) return
        place(id, job.data.rollout, clock() + retryDelay).catch((cause: unknown) =>
          log('a wake-up could not be made again', cause),
        )
      })
    },
    async close() {
      closing = true
      await closeQueue(queue, worker, log)
    },
  }
}
