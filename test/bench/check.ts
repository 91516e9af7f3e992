import { createFleetCheckout, type FleetCheckout } from '../support/fleet-checkout.ts'
import { createTempDir } from '../support/temp-dir.ts'
import type { CheckReport } from '../../hub/check/check.ts'
import { checkApplications, checkFleetFiles, checkOverlays } from './check-fleet.ts'
import type { SizedOptions } from './options.ts'
import { type Figures, describeFigures } from './result.ts'

export const checkGoals = [
  { metric: 'cold_ms', text: '≤ 20000' },
  { metric: 'warm_ms', text: '≤ 2000' },
]

/**
 * How long `swell check` takes, from the start of its process to its end: with nothing in its
 * cache, and again after a change that is in no render.
 *
 * @throws Error when it did not pass, or looked at anything but the whole fleet: the run is void
 */
export async function measureCheck(
  { clusters, runs }: SizedOptions,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using root = await createTempDir('bench-check')
  const checkout = await createFleetCheckout(root.path, checkFleetFiles(clusters))
  const results: Figures[] = []
  // The first run warms the machine's own caches.
  for (let run = 0; run <= runs; run++) {
    const cache = { GROUNDSWELL_CACHE: `${root.path}/cache-${run}` }
    const cold = await time(checkout, cache, clusters)
    await checkout.write({ 'README.md': `run ${run}\n` })
    const warm = await time(checkout, cache, clusters)
    const figures = { cold_ms: cold.ms, warm_ms: warm.ms, renders: cold.renders }
    say(`run ${run}: ${describeFigures(figures)}`)
    if (run > 0) results.push(figures)
  }
  return results
}

async function time(
  checkout: FleetCheckout,
  cache: Readonly<Record<string, string>>,
  clusters: number,
): Promise<{ ms: number; renders: number }> {
  const start = performance.now()
  const { out, said, code } = await checkout.swell(['check', '-o', 'json'], cache)
  const ms = Math.round(performance.now() - start)
  if (code !== 0) throw new Error(`swell check ended with ${code}: ${said}`)
  const { counts } = JSON.parse(out) as CheckReport
  const wanted = [
    clusters * checkApplications,
    checkApplications * Math.min(clusters, checkOverlays),
  ]
  if (counts.targets !== wanted[0] || counts.renders !== wanted[1]) {
    throw new Error(`looked at ${counts.targets} targets in ${counts.renders} renders`)
  }
  return { ms, renders: counts.renders }
}
