import { setTimeout as pause } from 'node:timers/promises'
import { join } from 'node:path'
import { createTempDir } from '../support/temp-dir.ts'
import { collectGarbage, collectableBy } from './hub-gc.ts'
import { readCpuMicros, readRssKb } from './machine.ts'
import type { BenchOptions } from './options.ts'
import { type Figures, describeFigures } from './result.ts'
import { type Point, fitLine } from './slope.ts'
import { startWorld } from './world.ts'

export const idleGoals = [
  { metric: 'hub_rss_kb_per_agent', text: '≤ 150' },
  { metric: 'hub_base_rss_mb', text: '≤ 150' },
  { metric: 'hub_millicores', text: '≤ 30 at 1000 clusters' },
]

/**
 * B3: what a hub holds and uses for agents that only stream: they are joined and nothing was ever
 * rolled out. One hub grows through all the numbers; at each, after the quiet time, its garbage is
 * collected and its resident memory read, and the line through these points is the result. Every
 * agent brings its cluster's declaration, enrolment and status along, so they are in the slope.
 *
 * CPU is the hub's own process over the quiet time at the largest number, the collection not in it.
 * Redis and the render workers are in neither.
 *
 * @throws Error when an agent is gone after the quiet time: the run is void
 */
export async function measureIdle(
  options: Pick<BenchOptions, 'clusters' | 'fidelity' | 'quiet'>,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using directory = await createTempDir('bench-idle')
  const socket = join(directory.path, 'gc')
  const [smallest = 0] = options.clusters
  await using world = await startWorld(
    { clusters: smallest, fidelity: options.fidelity, env: collectableBy(socket) },
    say,
  )
  const points: Point[] = []
  let millicores = Number.NaN
  for (const clusters of options.clusters) {
    if (clusters > world.clusters) await world.grow(clusters)
    const { pid } = world.hub.process()
    await collectGarbage(socket)
    const [cpu, start] = [readCpuMicros(pid), Date.now()]
    await pause(options.quiet * 1_000)
    millicores = (readCpuMicros(pid) - cpu) / (Date.now() - start)
    await collectGarbage(socket)
    points.push({ x: clusters, y: readRssKb(pid) })
    if (!(await world.isSettled())) throw new Error(`void: not all ${clusters} agents are there`)
    say(`${clusters} agents: ${points.at(-1)!.y} KB, ${millicores.toFixed(1)} millicores`)
  }
  const { slope, start } = fitLine(points)
  const figures = {
    hub_rss_kb_per_agent: slope,
    hub_base_rss_mb: start / 1024,
    hub_millicores: millicores,
    ...Object.fromEntries(points.map(({ x, y }) => [`hub_rss_mb_at_${x}`, y / 1024])),
  }
  say(describeFigures(figures))
  return [figures]
}
