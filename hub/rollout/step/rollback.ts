import { contentBefore } from '../content.ts'
import { assign, type Draft, finish, type Moment, recheck, takeBackUnsent } from './draft.ts'
import { graceOf, isUnsent, readReport } from './outcome.ts'
import type { ClusterProgress, RolloutPlan, RolloutRun, RolloutTarget } from '../rollout.ts'

type Reverting = Extract<ClusterProgress, { state: 'Reverting' }>

/**
 * Turns the rollout round: every cluster it touched is assigned what it had before, all at once,
 * as a step forward (new generation). A cluster that had nothing gets a tombstone, since this
 * rollout put there what is there now. The content is put on hold at once, so that the next
 * reconcile does not offer it again.
 */
export function beginRollback(draft: Draft, moment: Moment, reason: string): void {
  draft.phase = 'RollingBack'
  draft.finishedAt = null
  // What the way forward waited for does not matter on the way back.
  draft.recheckAt = null
  draft.message = `rolling back: ${reason}`
  for (const [name, progress] of Object.entries(draft.clusters)) {
    const touched = touchedBy(progress)
    if (!touched) continue
    if (isUnsent(progress, moment.observations[name])) {
      draft.clusters[name] = takeBackUnsent(draft, moment, name, {
        ...{ state: 'Done', outcome: 'Skipped', generation: 0, at: moment.now },
        message: 'the rollout went back before its turn',
      })
      continue
    }
    draft.clusters[name] = {
      state: 'Reverting',
      generation: moment.generation,
      offeredAt: moment.now,
      outcome: touched.outcome,
    }
    assign(draft, moment, name, contentBefore(moment.plan, name))
  }
  draft.effects.push({ kind: 'hold', contentDigest: moment.plan.contentDigest, reason })
}

/** What undoing a rollout as it is now would bring: of the clusters that it changed, what they had. */
export function planBack(plan: RolloutPlan, run: RolloutRun): RolloutPlan {
  const targets: Record<string, RolloutTarget> = {}
  for (const [name, progress] of Object.entries(run.clusters)) {
    const target = plan.targets[name]
    if (!target || !touchedBy(progress)) continue
    const { previous: _, ...had } = target
    targets[name] = { ...contentBefore(plan, name), previous: had }
  }
  return { ...plan, targets }
}

/** Moves clusters that go back; the rollout has ended when all have, or cannot be asked. */
export function judgeRollback(draft: Draft, moment: Moment): void {
  let going = 0
  for (const wave of moment.plan.waves) {
    for (const name of wave.clusters) {
      const progress = draft.clusters[name]!
      if (progress.state !== 'Reverting') continue
      const judged = judgeReverting(name, progress, wave.progressDeadline, moment)
      draft.clusters[name] = judged.progress
      recheck(draft, judged.recheckAt)
      if (judged.progress.state === 'Reverting') going += 1
    }
  }
  if (going > 0) return
  const reason = draft.message.replace(/^rolling back: /, '')
  draft.effects.push({ kind: 'hold', contentDigest: moment.plan.contentDigest, reason })
  finish(draft, moment, 'RolledBack', `rolled back: ${reason}${describeRest(draft)}`)
}

/** How many did not say that they went back; and of the first, why, so that somebody can see to it. */
function describeRest({ clusters }: Draft): string {
  const rest = Object.entries(clusters).flatMap(([name, progress]) =>
    progress.state === 'Reverted' && progress.unconfirmed !== undefined
      ? [`${name}: ${progress.unconfirmed}`]
      : [],
  )
  return rest.length === 0 ? '' : `; ${rest.length} did not confirm it in time (${rest[0]})`
}

function judgeReverting(name: string, progress: Reverting, patience: number, moment: Moment) {
  const { now } = moment
  const { generation, outcome } = progress
  const reverted = { state: 'Reverted', generation, at: now, outcome } as const
  const seen = moment.observations[name]
  const deadline = progress.offeredAt + patience
  if (seen?.connected !== true) {
    const away = Math.max(seen?.since ?? 0, progress.offeredAt) + graceOf(moment.plan)
    return now >= away
      ? { progress: { ...reverted, unconfirmed: 'not connected' }, recheckAt: null }
      : { progress, recheckAt: away }
  }
  const report = readReport(seen, contentBefore(moment.plan, name), generation)
  if (report.state === 'good') return { progress: reverted, recheckAt: null }
  if (now < deadline) return { progress, recheckAt: deadline }
  return { progress: { ...reverted, unconfirmed: report.message }, recheckAt: null }
}

/** Whether this rollout changed what the cluster should run, and with what outcome. */
function touchedBy(progress: ClusterProgress) {
  switch (progress.state) {
    case 'Offered':
    case 'Soaking':
      return { outcome: null }
    case 'Done':
      // What a cluster refused was taken back already.
      if (progress.withdrawn) return null
      return progress.generation > 0 ? { outcome: progress.outcome } : null
    case 'Reverted':
      // An abort in the middle left open whether it has gone back: it is asked again.
      return progress.unconfirmed === undefined ? null : { outcome: progress.outcome }
    case 'Pending':
      return progress.generation === undefined ? null : { outcome: null }
    case 'Reverting':
      return null
  }
}
