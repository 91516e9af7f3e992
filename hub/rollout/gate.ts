import type { Approval, RolloutPlan, RolloutRun } from './rollout.ts'

/** A gate that still holds the rollout. */
export interface HoldingGate {
  readonly wave: number
  readonly gate: 'before' | 'after'
  /** Roles that may approve, one for each approval still missing. */
  readonly roles: readonly string[]
}

/**
 * What a gate still lacks; null when it is open. Two gates on one side need approvals by two
 * different people. The gate before a wave nobody is in guards nothing and is open.
 */
export function findGate(
  plan: RolloutPlan,
  approvals: readonly Approval[],
  wave: number,
  gate: 'before' | 'after',
): HoldingGate | null {
  const planned = plan.waves[wave]
  if (!planned || (gate === 'before' && planned.clusters.length === 0)) return null
  // Nothing comes after the last wave with clusters, so an empty one there guards nothing.
  const guardsNothing =
    planned.clusters.length === 0 &&
    plan.waves.slice(wave + 1).every((later) => later.clusters.length === 0)
  if (guardsNothing) return null
  const given = new Set(
    approvals
      .filter((approval) => approval.wave === wave && approval.gate === gate)
      .map((approval) => approval.actor),
  )
  const missing = planned[gate].slice(given.size)
  return missing.length === 0 ? null : { wave, gate, roles: missing.map(({ role }) => role) }
}

/** The gate an approval would open now; null while clusters move or when nothing holds. */
export function currentGate(plan: RolloutPlan, run: RolloutRun): HoldingGate | null {
  if (run.startedAt === null || run.finishedAt !== null) return null
  if (run.waveStartedAt === null) return findGate(plan, run.approvals, run.wave, 'before')
  const settled = plan.waves
    .slice(0, run.wave + 1)
    .every((wave) => wave.clusters.every((name) => run.clusters[name]?.state === 'Done'))
  return settled ? findGate(plan, run.approvals, run.wave, 'after') : null
}
