import type { Log } from './log.ts'

/** Whether Redis takes what is written to it; a connection that stands says nothing of that. */
export interface WriteWatch {
  /** Tries once. Never throws; says so when the answer is another than before. */
  look(): Promise<void>
  /** As of the last look. */
  takesNothing(): boolean
}

/**
 * Notices a Redis that is full, may not be written or hangs, while its connection stands.
 *
 * @param isConnected one that is away is told by its connection, not here
 * @param write rejects when nothing is taken, within seconds
 */
export function createWriteWatch(
  isConnected: () => boolean,
  write: () => Promise<void>,
  log: Pick<Log, 'info' | 'warn'>,
): WriteWatch {
  let refused = false
  return {
    async look() {
      if (!isConnected()) {
        refused = false
        return
      }
      try {
        await write()
        if (refused) log.info('Redis takes what is written again')
        refused = false
      } catch (err) {
        // A connection that broke meanwhile is not one that stands.
        const isRefused = isConnected()
        if (isRefused && !refused) {
          log.warn(
            { err },
            'Redis takes nothing: rollouts stand still until it does, agents go on; give it memory or disk, or name the one that may be written',
          )
        }
        refused = isRefused
      }
    },
    takesNothing: () => refused,
  }
}
