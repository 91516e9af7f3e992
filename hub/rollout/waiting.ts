import { findBreach } from './failure.ts'
import { currentGate } from './gate.ts'
import { graceOf, isInFlight, readReport } from './outcome.ts'
import { contentBefore } from './rollback.ts'
import type {
  ClusterObservation,
  ClusterProgress,
  PlannedWave,
  RolloutPlan,
  RolloutRun,
} from './rollout.ts'
import { describeVeto } from './veto.ts'
import { isProven } from './tally.ts'

/** More clusters than this are counted, not named. */
const named = 20

/** One sentence for each thing a rollout waits for; empty when it has ended. */
export function explainWaiting(
  plan: RolloutPlan,
  run: RolloutRun,
  observations: Readonly<Record<string, ClusterObservation>>,
  now: number,
): string[] {
  const going = () => explainClusters(plan, run, observations, now)
  switch (run.phase) {
    case 'Planned':
      return ['it has not been started']
    case 'Paused':
      return [`it is ${run.message}; somebody must resume, retry, skip or roll back`, ...going()]
    case 'RollingBack':
      return going()
    case 'Progressing':
      return explainProgressing(plan, run, going())
    case 'Succeeded':
    case 'Failed':
    case 'RolledBack':
    case 'Aborted':
    case 'Superseded':
      return []
  }
}

function explainProgressing(plan: RolloutPlan, run: RolloutRun, going: string[]): string[] {
  const wave = plan.waves[run.wave]
  const gate = currentGate(plan, run)
  if (gate) {
    return gate.roles.map(
      (role) =>
        `the gate ${gate.gate} wave ${wave?.name} waits for an approval by the role ${role}`,
    )
  }
  const breach = plan.onFailure === 'continue' ? null : findBreach(plan, run.clusters)
  if (breach) return [`nothing new is offered because ${breach.message}`, ...going]
  const reached = plan.waves.slice(0, run.wave + 1).flatMap(({ clusters }) => clusters)
  if (going.length === 0 && !isProven(reached, run.clusters)) {
    return [
      `no cluster of wave ${wave?.name} took it, being unreachable or vetoed; skip them or wait for one to return`,
    ]
  }
  return going
}

function explainClusters(
  plan: RolloutPlan,
  run: RolloutRun,
  observations: Readonly<Record<string, ClusterObservation>>,
  now: number,
): string[] {
  const sentences: string[] = []
  let queued = 0
  for (const wave of plan.waves.slice(0, run.wave + 1)) {
    for (const name of wave.clusters) {
      const progress = run.clusters[name]
      const seen = observations[name]
      if (!progress || progress.state === 'Done' || progress.state === 'Reverted') continue
      const isFree = seen?.connected && !seen.veto
      if (progress.state === 'Pending' && (run.phase !== 'Progressing' || isFree)) {
        if (run.phase === 'Progressing') queued += 1
        continue
      }
      sentences.push(`cluster ${name} ${explain(plan, name, progress, wave, seen, now)}`)
    }
  }
  const rest = sentences.length - named
  return [
    ...sentences.slice(0, named),
    ...(rest > 0 ? [`${rest} more clusters are on their way`] : []),
    ...(queued > 0 ? [`${queued} clusters wait for a free slot`] : []),
  ]
}

function explain(
  plan: RolloutPlan,
  name: string,
  progress: ClusterProgress,
  wave: PlannedWave,
  seen: ClusterObservation | undefined,
  now: number,
): string {
  if (seen?.connected !== true) {
    const until = (seen?.since ?? now) + graceOf(plan)
    return plan.offline === 'wait' || progress.state === 'Reverting'
      ? 'is not connected'
      : `is not connected and has until ${time(until)}`
  }
  const target = plan.targets[name]!
  if (progress.state === 'Pending' && seen.veto)
    return `is on hold there: ${describeVeto(seen.veto)}`
  if (progress.state === 'Soaking') {
    return `is healthy and soaks until ${time(progress.healthySince + wave.soak)}`
  }
  if (isInFlight(progress)) {
    const { message } = readReport(seen, target, progress.generation)
    if (progress.state === 'Offered' && progress.postponed) return message
    return `${message}; it has until ${time(progress.offeredAt + wave.progressDeadline)}`
  }
  if (progress.state === 'Reverting') {
    const { message } = readReport(seen, contentBefore(target), progress.generation)
    return `goes back: ${message}`
  }
  return 'waits for its turn'
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
