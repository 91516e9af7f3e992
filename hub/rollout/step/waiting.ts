import { findStop } from './failure.ts'
import { explainGates, foreseeGates } from '../gate/gate-words.ts'
import { failedGates, findObstacle } from './obstacle.ts'
import { graceOf, isInFlight, readReport } from './outcome.ts'
import { contentBefore } from '../content.ts'
import { explainRelapses } from './relapse.ts'
import type {
  ClusterObservation,
  ClusterProgress,
  PlannedWave,
  RolloutPlan,
  RolloutRun,
} from '../rollout.ts'
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
  const relapsed = () => explainRelapses(plan, run, observations)
  switch (run.phase) {
    case 'Planned':
      return [explainPlanned(plan)]
    case 'Paused':
      return [...explainPause(plan, run, now), ...going(), ...relapsed()]
    case 'RollingBack':
      return explainRollback(plan, run, observations, going())
    case 'Progressing':
      return [...explainProgressing(plan, run, going(), now), ...relapsed()]
    case 'Succeeded':
    case 'Failed':
    case 'RolledBack':
    case 'Aborted':
    case 'Superseded':
      return []
  }
}

function explainPlanned({ id, behind, leftOut, supersede, starts }: RolloutPlan): string {
  if (supersede === 'queue' && starts) {
    return 'it waits in line, and begins by itself once the rollout before it has ended'
  }
  if (leftOut !== undefined) {
    return `it waits until a cluster of wave ${leftOut} can be given it, or nothing would prove it for the waves behind; \`swell rollout begin ${id}\` goes on without that wave`
  }
  return behind === undefined
    ? `it has not been started: \`swell rollout begin ${id}\` starts it`
    : `it waits until rollout ${behind}, which a person paused, goes on; \`swell rollout begin ${id}\` starts it now`
}

/** Why it is paused, where, and what a person can do; then what would hold it when it goes on. */
function explainPause(plan: RolloutPlan, run: RolloutRun, now: number): string[] {
  // What a spent budget stopped stands at no gate: its clusters go first.
  const ahead = findStop(plan, run.clusters) ? null : foreseeGates(plan, run, now)
  // The message of a gate that failed says where.
  const where = ahead && failedGates(run).length === 0 ? `, and stands at ${ahead.place}` : ''
  const advice = findObstacle(plan, run)?.advice ?? 'resume, or roll back'
  return [`it is ${run.message}${where}; somebody must ${advice}`, ...(ahead?.waitsFor ?? [])]
}

/** Where a cluster fails to go back, nothing else than time ends it: a person may. */
function explainRollback(
  plan: RolloutPlan,
  run: RolloutRun,
  observations: Readonly<Record<string, ClusterObservation>>,
  going: string[],
): string[] {
  const failing = Object.entries(run.clusters).some(([name, progress]) => {
    const seen = observations[name]
    if (progress.state !== 'Reverting' || seen?.connected !== true) return false
    return readReport(seen, contentBefore(plan, name), progress.generation).state === 'failed'
  })
  if (!failing) return going
  return [
    ...going,
    `clusters that fail to go back try on, also once the rollback is over; \`swell rollout abort ${plan.id}\` ends it now`,
  ]
}

function explainProgressing(
  plan: RolloutPlan,
  run: RolloutRun,
  going: string[],
  now: number,
): string[] {
  const wave = plan.waves[run.wave]
  const gates = explainGates(plan, run, now)
  if (gates.length > 0) return gates
  const breach = findStop(plan, run.clusters)
  if (breach) return [`nothing new is offered because ${breach.message}`, ...going]
  const reached = plan.waves.slice(0, run.wave + 1).flatMap(({ clusters }) => clusters)
  if (going.length === 0 && !isProven(reached, run.clusters)) {
    const closed = reached.flatMap((name) => {
      const progress = run.clusters[name]
      return progress?.state === 'Done' && progress.closed ? [`${name}: ${progress.message}`] : []
    })
    const which = closed.length > 0 ? ` (${closed.slice(0, named).join('; ')})` : ''
    return [
      `no cluster of wave ${wave?.name} took it, being unreachable, vetoed or passed over${which}; skip them or wait for one to return`,
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
  const withheld = new Map<string, number>()
  let queued = 0
  for (const wave of plan.waves.slice(0, run.wave + 1)) {
    for (const name of wave.clusters) {
      const progress = run.clusters[name]
      const seen = observations[name]
      if (!progress || progress.state === 'Done' || progress.state === 'Reverted') continue
      const isFree = seen?.connected && !seen.veto
      if (progress.state === 'Pending' && (run.phase !== 'Progressing' || isFree)) {
        if (run.phase !== 'Progressing') continue
        if (!seen?.withheld) queued += 1
        else {
          const { reason } = seen.withheld
          withheld.set(reason, (withheld.get(reason) ?? 0) + 1)
        }
        continue
      }
      sentences.push(`cluster ${name} ${explain(plan, name, progress, wave, seen, now)}`)
    }
  }
  const rest = sentences.length - named
  return [
    ...sentences.slice(0, named),
    ...(rest > 0 ? [`${rest} more clusters are on their way`] : []),
    ...[...withheld].map(([reason, count]) => `${countClusters(count)} for ${reason}`),
    ...(queued > 0 ? [`${countClusters(queued)} for a free slot`] : []),
  ]
}

function countClusters(count: number): string {
  return count === 1 ? '1 cluster waits' : `${count} clusters wait`
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
    if (seen.unheard) return 'was healthy, and has not said how it is since it came back'
    return `is healthy and soaks until ${time(progress.healthySince + wave.soak)}`
  }
  if (isInFlight(progress)) {
    if (seen.awaits) return `gets it together with what application ${seen.awaits} is to get there`
    const { message } = readReport(seen, target, progress.generation)
    if (progress.state === 'Offered' && progress.postponed) return message
    return `${message}; it has until ${time(progress.offeredAt + wave.progressDeadline)}`
  }
  if (progress.state === 'Reverting') {
    const { message } = readReport(seen, contentBefore(plan, name), progress.generation)
    return `goes back: ${message}; it has until ${time(progress.offeredAt + wave.progressDeadline)}`
  }
  return 'waits for its turn'
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
