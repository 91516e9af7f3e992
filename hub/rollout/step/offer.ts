import { assign, type Draft, type Moment, openWaves, recheck } from './draft.ts'
import { graceOf, isInFlight, judgeInFlight, judgePending, waitAgain } from './outcome.ts'
import { contentBefore } from '../content.ts'
import { isVetoOver } from './veto.ts'

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
      withdraw(draft, moment, name)
    }
  }
}

/**
 * What was refused is taken back, so that a cluster never takes up by itself, when its veto ends,
 * what a rollout has meanwhile found to be bad: it gets its turn again, through the gates.
 */
function withdraw(draft: Draft, moment: Moment, name: string): void {
  const progress = draft.clusters[name]!
  if (progress.state !== 'Done' || progress.outcome !== 'Vetoed') return
  const { generation } = moment
  draft.clusters[name] = { ...progress, generation, withdrawn: true }
  assign(draft, moment, name, contentBefore(moment.plan, name))
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
  const withheld: (number | null)[] = []
  for (const wave of openWaves(plan, draft.wave)) {
    for (const name of wave.clusters) {
      if (taken >= slots) return
      if (draft.clusters[name]!.state !== 'Pending') continue
      const seen = observations[name]
      if (seen?.connected !== true || seen.veto) continue
      if (seen.withheld) {
        withheld.push(seen.withheld.until)
        continue
      }
      draft.clusters[name] = { state: 'Offered', generation, offeredAt: now }
      assign(draft, moment, name, plan.targets[name]!)
      recheck(draft, now + wave.progressDeadline)
      taken += 1
    }
  }
  // With every slot taken there is nothing to look again for before one is free.
  if (taken < slots) for (const until of withheld) recheck(draft, until)
}

/** Gives clusters that were unreachable, vetoed or closed, and are so no more, their turn again. */
export function welcomeBack(draft: Draft, moment: Moment): void {
  for (const wave of openWaves(moment.plan, draft.wave)) {
    for (const name of wave.clusters) {
      const progress = draft.clusters[name]!
      if (progress.state !== 'Done') continue
      const seen = moment.observations[name]
      const isOpened = progress.closed === true && seen?.closed === null
      if (isOpened || (progress.outcome === 'Vetoed' && isVetoOver(seen))) {
        draft.clusters[name] = waitAgain(progress)
      }
      if (progress.outcome !== 'Unreachable') continue
      // Only a connection newer than the verdict is news; an older one was known when it was made.
      if (seen?.connected === true && seen.since >= progress.at) {
        draft.clusters[name] = waitAgain(progress)
      }
    }
  }
}
