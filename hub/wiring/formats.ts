import type { Redis } from 'ioredis'
import { type FormatMark, type UpgradeStep, refuseNewer, upgrade } from '../upgrade/format.ts'
import { createDirectoryMark, listDirectorySteps } from '../upgrade/fs.ts'
import { createRedisMark, listRedisSteps } from '../upgrade/redis.ts'
import type { Surroundings } from './surroundings.ts'

/** One of the places where a hub keeps things, whatever form these have. */
export interface Kept {
  /** @throws HubError `data_newer`; nothing is changed by asking */
  refuseNewer(): Promise<void>
  /** Leads it to the form that this hub knows. */
  upgrade(): Promise<void>
}

function open({ log }: Surroundings, mark: FormatMark, steps: readonly UpgradeStep[]): Kept {
  return {
    refuseNewer: () => refuseNewer(mark, steps),
    upgrade: () => upgrade(mark, steps, (message) => log.info({}, message)),
  }
}

/** The data directory of a hub, or of one of its roles. */
export function openDirectory(surroundings: Surroundings): Kept {
  const { data } = surroundings.config
  return open(surroundings, createDirectoryMark(data), listDirectorySteps(data))
}

/** What Redis holds: for whoever decides to upgrade, for others to ask about. */
export function openRedis(surroundings: Surroundings, redis: Redis, prefix: string): Kept {
  return open(surroundings, createRedisMark(redis, prefix), listRedisSteps(redis, prefix))
}
