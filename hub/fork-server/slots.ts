/** A bound on what goes on at once. */
export interface Slots {
  /**
   * Resolves when there is room, in the order they came.
   *
   * @throws what `stopped` makes, at once when the signal fires; what `full` makes where too many wait
   */
  take(signal: AbortSignal): Promise<void>
  /** Gives one back that was taken. */
  give(): void
}

export interface SlotsOptions {
  readonly most: number
  readonly mostWaiting: number
  readonly stopped: () => Error
  readonly full: () => Error
}

export function createSlots({ most, mostWaiting, stopped, full }: SlotsOptions): Slots {
  const waiting = new Set<() => void>()
  let busy = 0

  return {
    async take(signal) {
      if (signal.aborted) throw stopped()
      if (busy < most) {
        busy += 1
        return
      }
      if (waiting.size >= mostWaiting) throw full()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const leave = () => {
        // One that was just let in has a slot to give back.
        if (waiting.delete(resolve)) reject(stopped())
      }
      waiting.add(resolve)
      signal.addEventListener('abort', leave)
      try {
        await promise
      } finally {
        signal.removeEventListener('abort', leave)
      }
    },
    give() {
      // It goes straight to the next, so that nobody who comes now gets in between.
      const [next] = waiting
      if (next === undefined) busy -= 1
      else {
        waiting.delete(next)
        next()
      }
    },
  }
}
