import type { Redis } from 'ioredis'
import { orLost, translateRedis } from '../../redis.ts'

/** Until when a hub watched over rollouts, so that the next one knows for how long none did. */
export interface Watched {
  /**
   * Milliseconds since the epoch; undefined where Redis does not know.
   *
   * @throws HubError `redis_unavailable`
   */
  until(): Promise<number | undefined>
  /** Never throws: what Redis does not take counts as time in which nobody watched. */
  note(now: number): Promise<void>
}

/** @param prefix of the fleet's keys, without its colon */
export function createWatched(redis: Redis, prefix: string): Watched {
  const key = `${prefix}:rollouts:watched`
  return {
    async until() {
      const at = Number(await translateRedis(orLost(redis.get(key), null)))
      return Number.isSafeInteger(at) && at > 0 ? at : undefined
    },
    async note(now) {
      await redis.set(key, Math.round(now)).catch(() => {})
    },
  }
}
