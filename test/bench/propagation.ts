import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { type Delivery, onlyDigest, readDelivery, timesOf } from './deliveries.ts'
import { applicationFiles, changedFile, changedText } from './fleet-text.ts'
import { readCpuMicros } from './machine.ts'
import type { Figures } from './result.ts'
import { type World, startWorld } from './world.ts'

const deadlineMs = 120_000
/** Statuses are saved and the ledger committed behind the news; their CPU belongs to it. */
const aftermathMs = 1_500

export const propagationGoals = [
  { metric: 'last_ms', text: '≤ 1500 at 1000 clusters' },
  { metric: 'renders', text: '1' },
  { metric: 'hub_cpu_us_per_agent', text: '≤ 250' },
]

export const objects = 34

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
  options: { readonly clusters: number; readonly runs: number },
  say: (text: string) => void,
): Promise<Figures[]> {
  await using world = await startWorld(options.clusters, say)
  say('first delivery of everything')
  const first = await deliver(world, options.clusters, applicationFiles())
  say(`first delivery: ${describe(first)}`)
  const runs: Figures[] = []
  for (let run = 0; run <= options.runs; run++) {
    const figures = await deliver(world, options.clusters, {
      [changedFile]: changedText(`run${run}`),
    })
    say(`${run === 0 ? 'warm-up' : `run ${run}`}: ${describe(figures)}`)
    if (run > 0) runs.push(figures)
  }
  return runs
}

async function deliver(
  world: World,
  clusters: number,
  files: Readonly<Record<string, string>>,
): Promise<Figures> {
  const { hub, load } = world
  const pid = hub.process().pid
  const commit = await world.commit(files)
  const before = {
    ledger: world.readLedger(0).end,
    renders: await world.readCounter('groundswell_renders_total'),
    signatures: await world.readCounter('groundswell_signatures_total'),
    load: await load.count(''),
    cpu: readCpuMicros(pid),
  }
  const start = Date.now()
  await world.push()
  const delivery = await waitForDelivery(world, before.ledger, commit)
  await pause(aftermathMs)
  const after = {
    renders: await world.readCounter('groundswell_renders_total'),
    signatures: await world.readCounter('groundswell_signatures_total'),
    load: await load.count(onlyDigest(delivery.plan)),
    cpu: readCpuMicros(pid),
  }
  const done = delivery.succeeded.size
  if (after.load.verified !== clusters || done !== clusters) {
    throw new Error(
      `void: ${after.load.verified} of ${clusters} agents verified and applied the digest; the hub's rollout to ${Object.keys(delivery.plan.targets).length} ended ${delivery.phase} with ${done} succeeded, ${JSON.stringify(countOthers(delivery))}; ${after.load.warnings} warnings of agents, last: ${after.load.lastWarning}`,
    )
  }
  return {
    ...timesOf(delivery, start),
    webhook_ms: world.webhookAt() - start,
    planned_ms: delivery.startedAt - start,
    renders: after.renders - before.renders,
    signatures: after.signatures - before.signatures,
    bytes_out: after.load.bytesReceived - before.load.bytesReceived,
    verified: after.load.verified,
    hub_cpu_us_per_agent: Math.round((after.cpu - before.cpu) / clusters),
    load_cpu_us_per_agent: Math.round((after.load.cpuMicros - before.load.cpuMicros) / clusters),
  }
}

/** Looks at the ledger's file, not at the hub, which is busy with what is measured. */
async function waitForDelivery(world: World, offset: number, commit: string): Promise<Delivery> {
  return until(
    () => {
      const delivery = readDelivery(world.readLedger(offset).entries, commit)
      if (!delivery) throw new Error('no rollout yet')
      if (delivery.phase === 'Paused' || delivery.phase === 'Failed') return delivery
      if (delivery.phase === 'Succeeded') return delivery
      throw new Error(`${delivery.phase}: ${delivery.succeeded.size} done`)
    },
    { deadlineMs, intervalMs: 50, what: `the rollout of ${commit} to end` },
  )
}

function countOthers({ others }: Delivery): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const outcome of others.values()) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

function describe(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}
