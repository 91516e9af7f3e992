import { deliver } from './deliver.ts'
import { applicationFiles, changedFile, changedText, rawBytes } from './fleet-text.ts'
import type { SizedOptions } from './options.ts'
import { type Figures, describeFigures } from './result.ts'
import { startWorld } from './world.ts'

export const wireGoals = [
  { metric: 'one_object_bytes', text: '≤ 4096' },
  { metric: 'first_delivery_ratio', text: '≤ 0.25' },
]

/**
 * B13: what travels to an agent when one of its 34 objects changes, and when it gets all of them
 * for the first time, the latter as a share of the same objects' YAML.
 *
 * Bytes are what the agents' sockets received until a moment after the last of them was done,
 * below TLS and above TCP: framing, statuses' acknowledgements and encryption are in them.
 * `sent_bytes` is the other direction: verdicts and reports.
 *
 * @throws Error when not exactly every agent verified and applied the digest: the run is void
 */
export async function measureWire(
  options: SizedOptions,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using world = await startWorld(options, say)
  const first = await deliver(world, applicationFiles())
  say(`first delivery: ${describeFigures(first)}`)
  const firstBytes = first['bytes_out']! / options.clusters
  const runs: Figures[] = []
  for (let run = 1; run <= options.runs; run++) {
    const delivered = await deliver(world, { [changedFile]: changedText(`run${run}`) })
    const figures = {
      one_object_bytes: Math.round(delivered['bytes_out']! / options.clusters),
      one_object_sent_bytes: Math.round(delivered['bytes_in']! / options.clusters),
      first_delivery_bytes: Math.round(firstBytes),
      first_delivery_ratio: firstBytes / rawBytes(),
      raw_bytes: rawBytes(),
      verified: delivered['verified']!,
    }
    say(`run ${run}: ${describeFigures(figures)}`)
    runs.push(figures)
  }
  return runs
}
