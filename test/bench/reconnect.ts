import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { deliver } from './deliver.ts'
import { applicationFiles } from './fleet-text.ts'
import { readCpuMicros } from './machine.ts'
import type { SizedOptions } from './options.ts'
import { type Figures, describeFigures } from './result.ts'
import { type World, startWorld } from './world.ts'

export const reconnectGoals = [
  { metric: 'recovered_ms', text: '≤ 5000 at 1000 clusters' },
  { metric: 'bytes_per_agent', text: '≤ 2048' },
  { metric: 'renders', text: '0' },
  { metric: 'applies', text: '0' },
  { metric: 'signatures', text: '0' },
]

const deadlineMs = 300_000
/** What a restart should not do may come late. */
const aftermathMs = 1_500
/** By then agents count a stream as sound (`agent/link/redial.ts`): a run is no crash loop of the runs before it. */
const soundMs = 30_000

/**
 * B9: the hub is killed with SIGKILL and started again with what it kept, while nothing changes.
 *
 * Time 0 is just before the kill, so starting Node and replaying the ledger are inside. Recovered
 * is when the API says of every cluster that its agent streams, accepted the newest snapshot and
 * reports what was decided; it is asked every 250 ms, for asking is part of the hub's load.
 * Bytes are what the agents' sockets received, below TLS: the handshakes are in them.
 * Renders and signatures are those of the new process; applies are writes on the clusters, or objects that a
 * stub in a cluster's place was told to have otherwise than before.
 *
 * @throws Error when an agent does not come back: the run is void
 */
export async function measureReconnect(
  options: SizedOptions,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using world = await startWorld(options, say)
  await deliver(world, applicationFiles())
  await waitUntilSettled(world)
  const runs: Figures[] = []
  for (let run = 1; run <= options.runs; run++) {
    if (run > 1) await pause(soundMs)
    const figures = await restart(world)
    say(`run ${run}: ${describeFigures(figures)}`)
    runs.push(figures)
  }
  return runs
}

async function restart(world: World): Promise<Figures> {
  const { load, clusters } = world
  const before = await load.count('')
  const start = Date.now()
  await world.crash()
  const serving = Date.now()
  const { pid } = world.hub.process()
  const started = readCpuMicros(pid)
  await waitUntilSettled(world)
  const recovered = Date.now()
  const hubCpu = readCpuMicros(pid)
  await pause(aftermathMs)
  const after = await load.count('')
  const perAgent = (bytes: number): number => Math.round(bytes / clusters)
  const { renders, signatures } = await world.countWork()
  return {
    recovered_ms: recovered - start,
    serving_ms: serving - start,
    bytes_per_agent: perAgent(after.bytesReceived - before.bytesReceived),
    sent_bytes_per_agent: perAgent(after.bytesSent - before.bytesSent),
    renders,
    applies: after.writes - before.writes,
    signatures,
    // From the program's start until it serves, and from then on; others who use the machine are in neither.
    hub_start_cpu_ms: started / 1_000,
    hub_cpu_us_per_agent: perAgent(hubCpu - started),
    load_cpu_us_per_agent: perAgent(after.cpuMicros - before.cpuMicros),
  }
}

async function waitUntilSettled(world: World): Promise<void> {
  await until(() => world.isSettled(), {
    deadlineMs,
    intervalMs: 250,
    what: 'every agent to stream and be equal',
  })
}
