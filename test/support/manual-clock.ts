import type { Clock } from '../../agent/cluster/clock.ts'

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves on, waking sleepers in order of their time. */
  advance(ms: number): Promise<void>
  /** Sleepers there are now. */
  readonly sleeping: number
}

interface Sleeper {
  readonly at: number
  wake(): void
}

export function createManualClock(start = Date.parse('2026-01-01T00:00:00Z')): ManualClock {
  const sleepers = new Set<Sleeper>()
  let now = start
  return {
    now: () => now,
    sleep(ms, signal) {
      if (signal.aborted) return Promise.reject(signal.reason as Error)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const abort = () => {
        sleepers.delete(sleeper)
        reject(signal.reason as Error)
      }
      const sleeper: Sleeper = {
        at: now + ms,
        wake() {
          sleepers.delete(sleeper)
          signal.removeEventListener('abort', abort)
          resolve()
        },
      }
      sleepers.add(sleeper)
      signal.addEventListener('abort', abort, { once: true })
      return promise
    },
    async advance(ms) {
      const end = now + ms
      for (;;) {
        await settle()
        const next = [...sleepers].sort((a, b) => a.at - b.at)[0]
        if (!next || next.at > end) break
        now = Math.max(now, next.at)
        next.wake()
      }
      now = end
      await settle()
    },
    get sleeping() {
      return sleepers.size
    },
  }
}

/** Lets everything that is ready to run, run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}
