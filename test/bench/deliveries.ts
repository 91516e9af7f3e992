import type { LedgerEntry } from '../../hub/ledger/entry.ts'
import type { RolloutPlan } from '../../hub/rollout/rollout.ts'
import { quantile } from './result.ts'

/** What the hub's ledger says of one rollout. Times are milliseconds since the epoch. */
export interface Delivery {
  readonly plan: RolloutPlan
  readonly startedAt: number
  /** Cluster → when the hub wrote down that its agent reports the planned digest, applied. */
  readonly succeeded: ReadonlyMap<string, number>
  /** Cluster → outcome, where it was another. */
  readonly others: ReadonlyMap<string, string>
  readonly phase: string
}

/** The newest rollout of a commit in these entries; undefined when there is none yet. */
export function readDelivery(
  entries: readonly LedgerEntry[],
  commit: string,
): Delivery | undefined {
  const created = entries.findLast(
    ({ decision }) =>
      decision.type === 'rollout.created' && decision.plan.revision.endsWith(commit),
  )
  if (created?.decision.type !== 'rollout.created') return undefined
  const { plan } = created.decision
  const succeeded = new Map<string, number>()
  const others = new Map<string, string>()
  let phase = 'Planned'
  for (const { at, decision } of entries) {
    if (decision.type !== 'rollout.moved' || decision.rollout !== plan.id) continue
    phase = decision.change.phase ?? phase
    for (const [cluster, progress] of Object.entries(decision.change.clusters ?? {})) {
      if (progress.state !== 'Done') continue
      if (progress.outcome === 'Succeeded') succeeded.set(cluster, at)
      else others.set(cluster, progress.outcome)
    }
  }
  return { plan, startedAt: created.at, succeeded, others, phase }
}

/** Milliseconds from `start` until the median, the 99th hundredth and the last were there. */
export function timesOf(
  delivery: Delivery,
  start: number,
): { p50_ms: number; p99_ms: number; last_ms: number } {
  const times = [...delivery.succeeded.values()].map((at) => at - start).sort((a, b) => a - b)
  return {
    p50_ms: quantile(times, 0.5),
    p99_ms: quantile(times, 0.99),
    last_ms: quantile(times, 1),
  }
}

/** The one digest a plan brings to every cluster. @throws Error when there are several */
export function onlyDigest(plan: RolloutPlan): string {
  const digests = new Set(Object.values(plan.targets).map(({ digest }) => digest))
  const [digest] = digests
  if (digests.size !== 1 || !digest) {
    throw new Error(`${digests.size} digests were planned where all clusters should share one`)
  }
  return digest
}
