import type { Redis } from 'ioredis'
import type { ClusterStatus } from './status.ts'

/** The last known status of every cluster, so that a restarted hub does not start blind. */
export interface StatusStore {
  load(): Promise<ClusterStatus[]>
  save(statuses: readonly ClusterStatus[]): Promise<void>
  remove(cluster: string): Promise<void>
}

export function createStatusStore(redis: Redis, prefix: string): StatusStore {
  const key = `${prefix}:status`
  return {
    async load() {
      const found = await redis.hgetall(key)
      return Object.values(found).map((text) => JSON.parse(text) as ClusterStatus)
    },
    async save(statuses) {
      if (statuses.length === 0) return
      const fields = statuses.map((status) => [status.cluster, JSON.stringify(status)] as const)
      await redis.hset(key, Object.fromEntries(fields))
    },
    async remove(cluster) {
      await redis.hdel(key, cluster)
    },
  }
}
