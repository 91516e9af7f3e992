import type { Redis } from 'ioredis'
import { orAnew, orLost, translateRedis } from '../redis.ts'
import { readRemembered } from './remembered.ts'
import type { ClusterStatus } from './status.ts'

/**
 * The last known status of every cluster, so that a restarted hub does not start blind. Each throws
 * HubError `redis_unavailable`.
 */
export interface StatusStore {
  /** Of what was saved, what can be gone on from at `now`: nobody is connected (`readRemembered`). */
  load(now: number): Promise<ClusterStatus[]>
  save(statuses: readonly ClusterStatus[]): Promise<void>
  remove(cluster: string): Promise<void>
}

export function createStatusStore(redis: Redis, prefix: string): StatusStore {
  const key = `${prefix}:status`
  return {
    async load(now) {
      const found = await translateRedis(orLost<Record<string, string>>(redis.hgetall(key), {}))
      return Object.entries(found).flatMap(
        ([cluster, text]) => readRemembered(cluster, text, now) ?? [],
      )
    },
    async save(statuses) {
      if (statuses.length === 0) return
      const fields = statuses.map((status) => [status.cluster, JSON.stringify(status)] as const)
      const write = () => redis.hset(key, Object.fromEntries(fields))
      await translateRedis(orAnew(redis, key, write))
    },
    async remove(cluster) {
      await translateRedis(orLost(redis.hdel(key, cluster), 0))
    },
  }
}
