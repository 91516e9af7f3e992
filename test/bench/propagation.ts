import { applicationFiles, changedFile, changedText } from './fleet-text.ts'
import { deliver } from './deliver.ts'
import type { SizedOptions } from './options.ts'
import { type Figures, describeFigures as describe } from './result.ts'
import { startWorld } from './world.ts'

export const propagationGoals = [
  { metric: 'last_ms', text: '≤ 1500 at 1000 clusters' },
  { metric: 'renders', text: '1' },
  { metric: 'hub_cpu_us_per_agent', text: '≤ 250' },
]

/**
 * B1: from a push to the last agent, with one overlay for all clusters and everything in one wave.
 *
 * Time 0 is just before `git push` starts, so the push itself and its webhook are inside. An agent's
 * time is the ledger's: when the hub wrote the entry that its agent, having verified and applied
 * exactly the planned digest, is done. The entry's clock is read just before it is written and
 * synced, so one `fsync_ms` of the calibration comes on top before it is durable.
 * Hub and agents share the machine's clock. `bytes_out` is what all sockets of the agents' process
 * received (below TLS, above TCP), `hub_cpu_us_per_agent` the hub's own process from time 0 until
 * a moment after the last agent; Redis and the render workers are not in it.
 *
 * @throws Error when not exactly every agent verified and applied the digest: the run is void
 */
export async function measurePropagation(
  options: SizedOptions,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using world = await startWorld(options, say)
  say('first delivery of everything')
  const first = await deliver(world, applicationFiles())
  say(`first delivery: ${describe(first)}`)
  const runs: Figures[] = []
  for (let run = 0; run <= options.runs; run++) {
    const figures = await deliver(world, {
      [changedFile]: changedText(`run${run}`),
    })
    say(`${run === 0 ? 'warm-up' : `run ${run}`}: ${describe(figures)}`)
    if (run > 0) runs.push(figures)
  }
  return runs
}
