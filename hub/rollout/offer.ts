import { assign, type Draft, type Moment, openWaves, recheck } from './draft.ts'
import { graceOf, isInFlight, judgeInFlight, judgePending } from './outcome.ts'

/** Moves every cluster in flight by what it reports. */
export function judgeClusters(draft: Draft, moment: Moment): void {
  const { plan, observations, now } = moment
  for (const wave of openWaves(plan, draft.wave)) {
    for (const name of wave.clusters) {
      const progress = draft.clusters[name]!
      if (!isInFlight(progress)) continue
      const rules = { wave, offline: plan.offline, grace: graceOf(plan), now }
      const judged = judgeInFlight(progress, plan.targets[name]!, observations[name], rules)
      draft.clusters[name] = judged.progress
      recheck(draft, judged.recheckAt)
    }
  }
}

/** Moves clusters whose turn it is but that cannot be reached; before any offer, since it may fail them. */
export function judgeAbsent(draft: Draft, moment: Moment): void {
  const { plan, observations, now } = moment
  const waveStartedAt = draft.waveStartedAt ?? now
  for (const wave of openWaves(plan, draft.wave)) {
    for (const name of wave.clusters) {
      const progress = draft.clusters[name]!
      if (progress.state !== 'Pending') continue
      const rules = { wave, offline: plan.offline, grace: graceOf(plan), now }
      const judged = judgePending(progress, observations[name], waveStartedAt, rules)
      draft.clusters[name] = judged.progress
      recheck(draft, judged.recheckAt)
    }
  }
}

/**
 * Offers content to pending clusters whose turn it is, in order, as long as a slot is free. The
 * wave in hand says how many slots there are; clusters of earlier waves that came back use them too.
 */
export function offerContent(draft: Draft, moment: Moment): void {
  const { plan, observations, now, generation } = moment
  const slots = plan.waves[draft.wave]!.maxConcurrent
  let taken = Object.values(draft.clusters).filter(isInFlight).length
  for (const wave of openWaves(plan, draft.wave)) {
    for (const name of wave.clusters) {
      if (taken >= slots) return
      if (draft.clusters[name]!.state !== 'Pending') continue
      if (observations[name]?.connected !== true) continue
      draft.clusters[name] = { state: 'Offered', generation, offeredAt: now }
      assign(draft, moment, name, plan.targets[name]!)
      recheck(draft, now + wave.progressDeadline)
      taken += 1
    }
  }
}

/** Gives clusters that were unreachable and are back their turn again, through the same gates. */
export function welcomeBack(draft: Draft, moment: Moment): void {
  for (const wave of openWaves(moment.plan, draft.wave)) {
    for (const name of wave.clusters) {
      const progress = draft.clusters[name]!
      if (progress.state !== 'Done' || progress.outcome !== 'Unreachable') continue
      const seen = moment.observations[name]
      // Only a connection newer than the verdict is news; an older one was known when it was made.
      if (seen?.connected === true && seen.since >= progress.at) {
        draft.clusters[name] = { state: 'Pending' }
      }
    }
  }
}
