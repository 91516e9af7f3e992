import { join } from 'node:path'
import type { CheckoutOptions } from '../check/checkout.ts'
import type { FetchedCharts } from '../check/fetched-charts.ts'
import { HubError } from '../errors.ts'
import { createPickVersion } from '../render/pick-version.ts'
import type { EngineWorkers } from '../render/workers.ts'
import { isExactVersion } from '../source/chart/chart.ts'
import { createCharts, describe, nameReference } from '../source/chart/charts.ts'
import { createChartDirectory, readChartAccess } from '../source/chart/fs.ts'
import { createChartGet } from '../source/chart/http.ts'
import type { Credential } from '../source/credential.ts'

const directoryBytes = 1024 * 1024 * 1024
const timeoutMs = 60_000

/**
 * Charts for commands without a hub: fetched as the hub fetches them where that was asked for, else
 * what an earlier time has fetched, of versions that cannot mean another thing by now.
 */
export function openCharts(
  options: Pick<CheckoutOptions, 'fetch' | 'sourceHosts'>,
  workers: EngineWorkers,
  cache: string,
  credentials: Readonly<Record<string, Credential>>,
  signal: AbortSignal,
): FetchedCharts {
  const store = createChartDirectory(join(cache, 'charts'), directoryBytes, Date.now)
  const charts = createCharts({
    get: createChartGet({
      hosts: { allowed: options.sourceHosts, fleet: '' },
      access: (name) =>
        readChartAccess(name, credentials[name], async () => {
          throw new HubError(
            'source_refused',
            `credential ${name} is in a Secret, which only a hub in a cluster reads`,
          )
        }),
      timeoutMs,
    }),
    pick: createPickVersion(workers),
    store,
    now: Date.now,
    log: () => {},
  })
  return {
    read: (chart) => charts.read(chart),
    async find(reference) {
      if (options.fetch) return charts.find(reference, signal)
      const known = await store.recall(nameReference(reference))
      if (known && isExactVersion(reference.version) && (await store.has(known.digest)))
        return known
      throw new HubError('source_unreachable', `${describe(reference)} is not at hand; --fetch it`)
    },
  }
}
