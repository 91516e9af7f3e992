import { join } from 'node:path'
import { createResultsReader, createResultsStore } from '../receipt/fs.ts'
import { createSharedResults } from '../receipt/redis.ts'
import { type Results, shareResults } from '../receipt/results.ts'
import type { Store } from './store.ts'
import type { Surroundings } from './surroundings.ts'

/** What came of each object of receipts: on this disk, and for other replicas in Redis. */
export function openResults(
  { config, log, clock }: Surroundings,
  { redis, prefix }: Pick<Store, 'redis' | 'prefix'>,
): Results {
  const directory = join(config.data, 'receipts')
  const own = { store: createResultsStore(directory), read: createResultsReader(directory) }
  if (config.replica === undefined) return own
  return shareResults(own, createSharedResults(redis, prefix, clock), (err) =>
    log.debug({ err }, 'results of receipts were not shared'),
  )
}
