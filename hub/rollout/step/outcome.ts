import type {
  ClusterObservation,
  ClusterOutcome,
  ClusterProgress,
  Content,
  Offline,
  PlannedWave,
  RolloutPlan,
} from '../rollout.ts'
import { describeVeto, vetoOver } from './veto.ts'

const usualGrace = 30_000

/** How long a cluster may be away before it counts as unreachable; short cuts are not news. */
export function graceOf(plan: Pick<RolloutPlan, 'offlineGrace'>): number {
  return plan.offlineGrace ?? usualGrace
}

/** Where a cluster is now, and when to look again if nothing is heard. */
export interface Judgement {
  readonly progress: ClusterProgress
  readonly recheckAt: number | null
}

/** A cluster that has been offered content and has not come to an end. */
export type InFlight = Extract<ClusterProgress, { state: 'Offered' | 'Soaking' }>

/** What a judgement rests on besides the cluster itself. */
export interface Rules {
  readonly wave: PlannedWave
  readonly offline: Offline
  /** Milliseconds a cluster may be away. */
  readonly grace: number
  readonly now: number
}

/** Whether a cluster can still move by what it does; one that was passed over may come back. */
export function mayMove(progress: ClusterProgress | undefined): boolean {
  if (progress?.state !== 'Done') return progress?.state !== 'Reverted'
  return (
    progress.outcome === 'Unreachable' || progress.outcome === 'Vetoed' || progress.closed === true
  )
}

export function isInFlight(progress: ClusterProgress): progress is InFlight {
  return progress.state === 'Offered' || progress.state === 'Soaking'
}

/**
 * Whether a cluster was offered what can only come there together with something that is to be offered yet. What its
 * agent tells of was sent, whatever seems to be in its way to a hub that has just begun.
 */
export function isUnsent(
  progress: ClusterProgress,
  seen: Pick<ClusterObservation, 'awaits' | 'application'> | undefined,
): boolean {
  if (progress.state !== 'Offered' || !seen?.awaits) return false
  return seen.application?.generation !== progress.generation
}

/**
 * Moves a cluster that was offered `content` by what it reports. Nothing is believed that is not
 * about exactly this digest and generation, nor anything said before the connection was lost.
 * The deadline counts from the offer, or from the moment a soaking cluster stopped being healthy.
 */
export function judgeInFlight(
  progress: InFlight,
  content: Content,
  seen: ClusterObservation | undefined,
  rules: Rules,
): Judgement {
  const { now, wave, offline } = rules
  if (seen === undefined || !seen.connected) {
    const since = Math.max(seen?.since ?? 0, startOf(progress))
    // It may never come back, and is given nothing if it does.
    if (offline === 'wait' && typeof seen?.closed === 'string') {
      if (now < since + rules.grace) return { progress, recheckAt: since + rules.grace }
      return passOver(progress.generation, seen.closed, now)
    }
    if (offline === 'wait' && progress.state === 'Soaking') return leaveSoak(progress, since, rules)
    return judgeAway(progress, since, progress.generation, rules)
  }
  // It is not even sent yet: what was refused is something else.
  if (isUnsent(progress, seen)) {
    return seen.unsettled ? { progress, recheckAt: null } : postpone(progress)
  }
  if (seen.refusal !== null) return done(progress, 'Failed', `refused: ${seen.refusal}`, now)
  const veto = vetoOver(seen, content, progress.generation)
  if (veto?.refuse) return done(progress, 'Vetoed', describeVeto(veto), now)
  const isPostponed = progress.state === 'Offered' && progress.postponed === true
  // Not yet heard again of one that waited: it waits still.
  if (veto || (isPostponed && !seen.application)) return postpone(progress)
  // One that has just come back says again how it is; until then nothing is known to have changed.
  if (progress.state === 'Soaking' && seen.unheard && now < seen.since + rules.grace) {
    return { progress, recheckAt: seen.since + rules.grace }
  }
  const verdict = readReport(seen, content, progress.generation)
  if (verdict.state === 'failed') return done(progress, 'Failed', verdict.message, now)
  if (verdict.state === 'good') {
    const healthySince = progress.state === 'Soaking' ? progress.healthySince : now
    const soakedAt = healthySince + wave.soak
    if (now >= soakedAt) return done(progress, 'Succeeded', 'healthy', now)
    // The very same when nothing changed: most clusters of a look, and then nothing to compare.
    if (progress.state === 'Soaking') return { progress, recheckAt: soakedAt }
    const { generation, offeredAt } = progress
    return {
      progress: { state: 'Soaking', generation, offeredAt, healthySince },
      recheckAt: soakedAt,
    }
  }
  // A soaking cluster that stopped being healthy gets the deadline anew: the soak may be longer.
  // So does one whose update may begin only now.
  const offeredAt = progress.state === 'Soaking' || isPostponed ? now : progress.offeredAt
  // Time away does not count where the strategy says to wait for the cluster.
  const countsFrom = offline === 'wait' ? Math.max(offeredAt, seen.since) : offeredAt
  const deadline = countsFrom + wave.progressDeadline
  if (now >= deadline) return done(progress, 'TimedOut', verdict.message, now)
  if (progress.state === 'Offered' && !isPostponed) return { progress, recheckAt: deadline }
  return {
    progress: { state: 'Offered', generation: progress.generation, offeredAt },
    recheckAt: deadline,
  }
}

/** A cluster whose turn it is but that cannot have it: passed over, skipped, waited for or failed. */
export function judgePending(
  progress: Extract<ClusterProgress, { state: 'Pending' }>,
  seen: ClusterObservation | undefined,
  waveStartedAt: number,
  rules: Rules,
): Judgement {
  const { generation = 0 } = progress
  if (typeof seen?.closed === 'string') return passOver(generation, seen.closed, rules.now)
  if (seen?.connected === true) {
    if (seen.veto?.refuse) return done({ generation }, 'Vetoed', describeVeto(seen.veto), rules.now)
    return { progress, recheckAt: null }
  }
  return judgeAway(progress, seen?.since ?? waveStartedAt, generation, rules)
}

/** Gives a cluster that was done with its turn again; what it has of this rollout is not forgotten. */
export function waitAgain({
  generation,
  withdrawn,
}: Extract<ClusterProgress, { state: 'Done' }>): ClusterProgress {
  const has = generation > 0 && withdrawn !== true
  return { state: 'Pending', ...(has && { generation }) }
}

function postpone(progress: InFlight): Judgement {
  if (progress.state === 'Offered' && progress.postponed) return { progress, recheckAt: null }
  const { generation, offeredAt } = progress
  return {
    progress: { state: 'Offered', generation, offeredAt, postponed: true },
    recheckAt: null,
  }
}

/** Whether a report is about this content and generation, and if so how it went. */
export function readReport(
  seen: ClusterObservation,
  content: Content,
  generation: number,
): { readonly state: 'good' | 'failed' | 'moving'; readonly message: string } {
  const report = seen.application
  const veto = vetoOver(seen, content, generation)
  if (veto) return { state: 'moving', message: `is on hold there: ${describeVeto(veto)}` }
  if (!report || report.digest !== content.digest || report.generation !== generation) {
    return { state: 'moving', message: 'has not reported this content yet' }
  }
  const detail = report.message === '' ? '' : `: ${report.message}`
  if (report.phase === 'Failed') {
    const what = content.digest === null ? 'removal' : 'apply'
    return { state: 'failed', message: `${what} failed${detail}` }
  }
  if (content.digest === null) {
    return report.phase === 'Removed'
      ? { state: 'good', message: 'removed' }
      : { state: 'moving', message: `is being removed${detail}` }
  }
  if (report.phase !== 'Applied') return { state: 'moving', message: `is applying${detail}` }
  switch (report.health) {
    case 'Current':
      return { state: 'good', message: 'healthy' }
    case 'Failed':
      return { state: 'failed', message: `unhealthy${detail}` }
    case 'Unknown':
    case 'InProgress':
    case 'Terminating':
    case 'NotFound':
      return { state: 'moving', message: `is not healthy yet (${report.health})${detail}` }
  }
}

function judgeAway(
  progress: InFlight | Extract<ClusterProgress, { state: 'Pending' }>,
  since: number,
  generation: number,
  rules: Rules,
): Judgement {
  const { offline, grace, now } = rules
  if (offline === 'wait') return { progress, recheckAt: null }
  if (now < since + grace) return { progress, recheckAt: since + grace }
  const outcome = offline === 'skip' ? 'Unreachable' : 'Failed'
  return done({ generation }, outcome, 'not connected', now)
}

/** Nobody sees whether one that is away stays healthy: where it is waited for, it soaks anew once it is back. */
function leaveSoak(
  progress: Extract<InFlight, { state: 'Soaking' }>,
  since: number,
  { grace, now }: Rules,
): Judgement {
  if (now < since + grace) return { progress, recheckAt: since + grace }
  const { generation } = progress
  return { progress: { state: 'Offered', generation, offeredAt: now }, recheckAt: null }
}

function passOver(generation: number, why: string, at: number): Judgement {
  const { progress } = done({ generation }, 'Skipped', `passed over, since it ${why}`, at)
  return { progress: { ...progress, closed: true }, recheckAt: null }
}

function startOf(progress: InFlight): number {
  return progress.state === 'Soaking' ? progress.healthySince : progress.offeredAt
}

function done(
  { generation }: { readonly generation: number },
  outcome: ClusterOutcome,
  message: string,
  at: number,
): { readonly progress: Extract<ClusterProgress, { state: 'Done' }>; readonly recheckAt: null } {
  return { progress: { state: 'Done', outcome, generation, at, message }, recheckAt: null }
}
