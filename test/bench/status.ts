import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { deliver } from './deliver.ts'
import { applicationFiles, clusterName } from './fleet-text.ts'
import { collectGarbage, collectableBy } from './hub-gc.ts'
import { readRssKb } from './machine.ts'
import type { SizedOptions } from './options.ts'
import { type Figures, describeFigures } from './result.ts'
import { type World, startWorld } from './world.ts'

export const reportsEach = 10
const stormSeconds = 5
/** Reads of clusters at a time. */
const lanes = 8

export const statusGoals = [
  { metric: 'reports_per_s', text: '≥ 5000 of 1000 agents at 10 a second' },
  { metric: 'lost', text: '0' },
  { metric: 'rss_return_mb', text: '≤ 20' },
]

/**
 * What a hub takes in when every agent has something to say all the time: real agents' links and
 * reports over mutual TLS, each with another state of its application ten times a second. Agents tell the latest and never
 * queue, so what the hub has not read becomes fewer, newer reports.
 *
 * `lost`: clusters of which the hub does not say, in the end, what their agent said last. `rss_return_mb`: what
 * the hub's process holds more than before, garbage collected both times.
 */
export async function measureStatus(
  { clusters, load, runs }: SizedOptions,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using directory = await createTempDir('bench-status')
  const socket = join(directory.path, 'gc')
  await using world = await startWorld(
    { clusters, fidelity: 'C', load, env: collectableBy(socket) },
    say,
  )
  say('first delivery of everything')
  await deliver(world, applicationFiles())
  const results: Figures[] = []
  for (let run = 0; run <= runs; run++) {
    await collectGarbage(socket)
    const before = readRssKb(world.hub.process().pid)
    const reports = await world.readCounter(reportsMetric)
    const start = performance.now()
    await world.load.storm({ perSecond: reportsEach, seconds: stormSeconds, run })
    const took = (performance.now() - start) / 1_000
    const taken = (await world.readCounter(reportsMetric)) - reports
    const lost = await countLost(world, `run ${run}, last`)
    // Statuses are written to the store within a second.
    await pause(2_000)
    await collectGarbage(socket)
    const figures = {
      reports_per_s: Math.round(taken / took),
      lost,
      rss_return_mb: Number(((readRssKb(world.hub.process().pid) - before) / 1_024).toFixed(1)),
      reports: taken,
      asked_per_s: clusters * reportsEach,
    }
    say(`run ${run}: ${describeFigures(figures)}`)
    if (run > 0) results.push(figures)
  }
  return results
}

const reportsMetric = 'groundswell_reports_total'

/** Each cluster's last word, as the hub has it; what is on its way gets some time. */
async function countLost({ hub, clusters }: World, words: string): Promise<number> {
  const missing = new Set(Array.from({ length: clusters }, (_, at) => clusterName(at)))
  const look = async (): Promise<boolean> => {
    const open = [...missing].values()
    const lane = async (): Promise<void> => {
      for (const name of open) {
        const { applications } = await hub.api.get<{ applications: { message: string }[] }>(
          `clusters/${name}`,
        )
        if (applications.some(({ message }) => message.includes(words))) missing.delete(name)
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    return missing.size === 0
  }
  await until(look, { deadlineMs: 60_000, intervalMs: 500, what: 'the last reports' }).catch(
    () => undefined,
  )
  return missing.size
}
