/** A bound on what goes on at once. */
export interface Slots {
  /**
   * Does a piece of work once there is room, in the order they came. A signal that fires before it has begun
   * keeps it from beginning.
   *
   * @throws whatever the work throws, and what the options make of a wait that ends otherwise
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

export interface SlotsOptions {
  readonly most: number
  /** How many may wait; left out where those who come are bounded themselves. */
  readonly waiting?: { readonly most: number; readonly full: () => Error }
  /** What a signal's own reason is not enough for. */
  readonly stopped?: () => Error
}

export function createSlots({ most, waiting: bound, stopped }: SlotsOptions): Slots {
  const waiting = new Set<() => void>()
  let busy = 0

  const toError = (signal: AbortSignal) => stopped?.() ?? (signal.reason as Error)

  async function enter(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw toError(signal)
    if (busy < most) {
      busy += 1
      return
    }
    if (bound && waiting.size >= bound.most) throw bound.full()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = () => {
      // One that was just let in has a slot to give back.
      if (waiting.delete(resolve)) reject(toError(signal!))
    }
    waiting.add(resolve)
    signal?.addEventListener('abort', leave)
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', leave)
    }
  }

  function leave(): void {
    // It goes straight to the next, so that nobody who comes now gets in between.
    const [next] = waiting
    if (next === undefined) busy -= 1
    else {
      waiting.delete(next)
      next()
    }
  }

  return {
    async run(work, signal) {
      await enter(signal)
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}
