import { setTimeout as pause } from 'node:timers/promises'
import type { LedgerEntry } from '../../hub/ledger/entry.ts'
import { until } from '../support/until.ts'
import { type Delivery, onlyDigest, readDelivery, timesOf } from './deliveries.ts'
import { readCpuMicros } from './machine.ts'
import type { Figures } from './result.ts'
import type { World } from './world.ts'

/** Of a delivery, beside what each agent is given. */
const leastMs = 120_000
const agentMs = 30
/** Statuses are saved and the ledger committed behind the news; their CPU belongs to it. */
const aftermathMs = 1_500

/**
 * Commits and pushes files, and returns what it took until every agent, or as many as they concern,
 * had verified and applied what they make. @throws Error when not exactly every agent did: the run is void
 */
export async function deliver(
  world: World,
  files: Readonly<Record<string, string>>,
  clusters = world.clusters,
): Promise<Figures> {
  const { hub, load } = world
  const pid = hub.process().pid
  const commit = await world.commit(files)
  const before = {
    ledger: world.readLedger(0).end,
    work: await world.countWork(),
    load: await load.count(''),
    redis: await world.countRedisCommands(),
    cpu: readCpuMicros(pid),
  }
  const start = Date.now()
  await world.push()
  const delivery = await waitForDelivery(world, before.ledger, commit, leastMs + clusters * agentMs)
  await pause(aftermathMs)
  const after = {
    // Before anything is asked of the hub: answering is no part of a delivery.
    cpu: readCpuMicros(pid),
    work: await world.countWork(),
    redis: await world.countRedisCommands(),
    load: await load.count(onlyDigest(delivery.plan)),
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
    renders: after.work.renders - before.work.renders,
    signatures: after.work.signatures - before.work.signatures,
    bytes_out: after.load.bytesReceived - before.load.bytesReceived,
    bytes_in: after.load.bytesSent - before.load.bytesSent,
    messages_in: after.load.messages - before.load.messages,
    redis_commands: after.redis - before.redis,
    verified: after.load.verified,
    hub_cpu_us_per_agent: Math.round((after.cpu - before.cpu) / clusters),
    load_cpu_us_per_agent: Math.round((after.load.cpuMicros - before.load.cpuMicros) / clusters),
  }
}

/** Looks at the ledger's file, not at the hub, which is busy with what is measured. */
async function waitForDelivery(
  world: World,
  offset: number,
  commit: string,
  deadlineMs: number,
): Promise<Delivery> {
  const entries: LedgerEntry[] = []
  let read = offset
  let last = 'nothing yet'
  return until(
    () => {
      // Only what is new: reading it all again would take the cores from what is measured.
      const more = world.readLedger(read)
      read = more.end
      entries.push(...more.entries)
      if (more.entries.length === 0) throw new Error(last)
      const delivery = readDelivery(entries, commit)
      if (!delivery) throw new Error('no rollout yet')
      if (delivery.phase === 'Paused' || delivery.phase === 'Failed') return delivery
      if (delivery.phase === 'Succeeded') return delivery
      last = `${delivery.phase}: ${delivery.succeeded.size} done`
      throw new Error(last)
    },
    { deadlineMs, intervalMs: 50, what: `the rollout of ${commit} to end` },
  )
}

function countOthers({ others }: Delivery): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const outcome of others.values()) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}
