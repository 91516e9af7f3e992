import { setTimeout as pause } from 'node:timers/promises'
import { join } from 'node:path'
import { createTempDir } from '../support/temp-dir.ts'
import { collectGarbage, collectableBy } from './hub-gc.ts'
import { readAnonymousKb, readCpuMicros, readRssKb } from './machine.ts'
import type { BenchOptions } from './options.ts'
import { type Figures, describeFigures } from './result.ts'
import { type Point, fitLine } from './slope.ts'
import { startWorld } from './world.ts'

export const idleGoals = [
  { metric: 'hub_rss_kb_per_agent', text: '≤ 150' },
  { metric: 'hub_base_rss_mb', text: '≤ 150' },
  { metric: 'hub_millicores', text: '≤ 30 at 1000 clusters' },
]

/** The number of agents for which there is a goal of CPU. */
const judgedAt = 1_000

/**
 * B3: what a hub holds and uses for agents that only stream: they are joined and nothing was ever
 * rolled out. One hub grows through all the numbers; at each, after the quiet time, its garbage is
 * collected and its resident memory read, and the line through these points is the result. Every
 * agent brings its cluster's declaration, enrolment and status along, so they are in the slope.
 *
 * The line goes through what the hub wrote (`Anonymous` of proc(5), `hub_written_mb_at_N`): pages of its
 * program's files come and go by the kernel's will, and no agent adds any. The most that were there are in
 * the base, and `hub_rss_mb_at_N` is all that is resident.
 *
 * V8 keeps pages for new objects after a burst, up to 130 MB however many agents there are, and the
 * collection has it give them back. `hub_burst_mb_at_N` is what was resident just before.
 *
 * The smallest number should not be 0: a hub that no agent ever joined has not loaded and compiled what
 * the next ones need, and that would count as theirs.
 *
 * CPU is the hub's own process over the quiet time, at 1,000 agents or else at the largest number, the
 * collection not in it.
 * Redis and the render workers are in neither.
 *
 * @throws Error when an agent is gone after the quiet time: the run is void
 */
export async function measureIdle(
  options: Pick<BenchOptions, 'clusters' | 'fidelity' | 'load' | 'quiet'>,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using directory = await createTempDir('bench-idle')
  const socket = join(directory.path, 'gc')
  const [smallest = 0] = options.clusters
  await using world = await startWorld(
    {
      clusters: smallest,
      fidelity: options.fidelity,
      load: options.load,
      env: collectableBy(socket),
    },
    say,
  )
  const points: Point[] = []
  const resident = new Map<string, number>()
  let programKb = 0
  const millicores = new Map<number, number>()
  /** Of the resident memory, what Node says it holds itself. */
  const heap: Record<string, Point[]> = {
    nodejs_heap_size_used_bytes: [],
    nodejs_external_memory_bytes: [],
  }
  for (const clusters of options.clusters) {
    if (clusters > world.clusters) await world.grow(clusters)
    const { pid } = world.hub.process()
    // Statuses are saved, the ledger committed and memory given back a while after the last has joined.
    await pause(options.quiet * 500)
    await collectGarbage(socket)
    const [cpu, start] = [readCpuMicros(pid), Date.now()]
    await pause(options.quiet * 1_000)
    const used = (readCpuMicros(pid) - cpu) / (Date.now() - start)
    millicores.set(clusters, used)
    resident.set(`hub_burst_mb_at_${clusters}`, readRssKb(pid) / 1024)
    await collectGarbage(socket, 'pages')
    const [all, written] = [readRssKb(pid), readAnonymousKb(pid)]
    points.push({ x: clusters, y: written })
    resident.set(`hub_rss_mb_at_${clusters}`, all / 1024)
    resident.set(`hub_written_mb_at_${clusters}`, written / 1024)
    programKb = Math.max(programKb, all - written)
    for (const [name, line] of Object.entries(heap)) {
      line.push({ x: clusters, y: (await world.readCounter(name)) / 1024 })
    }
    if (!(await world.isSettled())) throw new Error(`void: not all ${clusters} agents are there`)
    say(`${clusters} agents: ${all} KB, ${used.toFixed(1)} millicores`)
  }
  const { slope, start } = fitLine(points)
  const figures = {
    hub_rss_kb_per_agent: slope,
    hub_base_rss_mb: (start + programKb) / 1024,
    hub_heap_kb_per_agent: fitLine(heap['nodejs_heap_size_used_bytes']!).slope,
    hub_external_kb_per_agent: fitLine(heap['nodejs_external_memory_bytes']!).slope,
    hub_millicores: millicores.get(judgedAt) ?? [...millicores.values()].at(-1)!,
    ...Object.fromEntries(resident),
    ...Object.fromEntries([...millicores].map(([x, used]) => [`hub_millicores_at_${x}`, used])),
  }
  say(describeFigures(figures))
  return [figures]
}
