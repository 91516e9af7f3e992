import { HubError } from '../errors.ts'

/** Something that does one thing at a time and may die of it. */
export interface PoolWorker {
  readonly isAlive: boolean
  kill(): void
}

export interface Pool<W extends PoolWorker> {
  /**
   * Waits for a worker, one that `suits` when there is a choice.
   *
   * @throws HubError `engine_unavailable` when too many wait already or the pool is closed;
   *   the signal's reason when it aborts
   */
  take(suits: (worker: W) => boolean, signal: AbortSignal): Promise<W>
  /** Gives a worker back; a dead one is replaced. */
  give(worker: W): void
  close(): void
}

interface Waiting<W> {
  readonly suits: (worker: W) => boolean
  readonly accept: (worker: W) => void
  readonly refuse: (reason: unknown) => void
}

/** Keeps `size` workers warm and hands them out in the order asked. */
export function createPool<W extends PoolWorker>(options: {
  readonly size: number
  /** How many may wait at most. */
  readonly maxWaiting: number
  readonly start: () => W
}): Pool<W> {
  const workers = new Set<W>()
  const idle: W[] = []
  const queue: Waiting<W>[] = []
  let closed = false

  const startOne = () => {
    const worker = options.start()
    workers.add(worker)
    idle.push(worker)
  }
  for (let count = 0; count < options.size; count += 1) startOne()

  /** A worker can die while it is idle; nobody should be handed the corpse. */
  function replaceDead(): void {
    for (const worker of idle.filter((each) => !each.isAlive)) {
      idle.splice(idle.indexOf(worker), 1)
      workers.delete(worker)
      startOne()
    }
  }

  function serve(): void {
    replaceDead()
    while (idle.length > 0 && queue.length > 0) {
      const next = queue.shift() as Waiting<W>
      const suited = idle.findIndex((worker) => next.suits(worker))
      const [worker] = idle.splice(Math.max(suited, 0), 1)
      next.accept(worker as W)
    }
  }

  return {
    take(suits, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error)
        if (closed) return reject(new HubError('engine_unavailable', 'the engine is closed'))
        if (queue.length >= options.maxWaiting) {
          return reject(
            new HubError('engine_unavailable', `${queue.length} renders are waiting already`),
          )
        }
        const leave = () => {
          queue.splice(queue.indexOf(waiting), 1)
          reject(signal.reason as Error)
        }
        const waiting: Waiting<W> = {
          suits,
          accept: (worker) => {
            signal.removeEventListener('abort', leave)
            resolve(worker)
          },
          refuse: (reason) => {
            signal.removeEventListener('abort', leave)
            reject(reason)
          },
        }
        signal.addEventListener('abort', leave, { once: true })
        queue.push(waiting)
        serve()
      })
    },
    give(worker) {
      if (closed || !workers.has(worker)) return
      idle.push(worker)
      serve()
    },
    close() {
      closed = true
      for (const worker of workers) worker.kill()
      for (const waiting of queue.splice(0)) {
        waiting.refuse(new HubError('engine_unavailable', 'the engine is closed'))
      }
    },
  }
}
