import { act } from './action.ts'
import { isSameRun } from '../store/change.ts'
import { forgetFuture, shiftTimes } from './clock-set.ts'
import { type Draft, finish, type Moment, openDraft, openWaves } from './draft.ts'
import { findBreach, findStop } from './failure.ts'
import { takeAnswer } from '../gate/gate-answer.ts'
import { judgeAbsent, judgeClusters, offerContent, welcomeBack } from './offer.ts'
import { isInFlight } from './outcome.ts'
import type { GateSide } from '../gate/planned-gate.ts'
import { beginRollback, judgeRollback } from './rollback.ts'
import {
  type ClusterObservation,
  finalPhases,
  type RolloutEvent,
  type RolloutPlan,
  type RolloutRun,
  type StepResult,
} from '../rollout.ts'
import { isProven, sumUp } from './tally.ts'
import { explainWaiting } from './waiting.ts'
import { closeGates, judgeGates } from '../gate/wave-gates.ts'

/**
 * The one transition function of a rollout: what it is now, given what happened and what the
 * clusters report. Total for `observe`. Nothing happens twice: the same facts again give the same
 * run with the same version and no effects.
 *
 * @param now milliseconds by the hub's clock.
 * @param generation stamped on whatever is assigned in this step; greater than any before it.
 * @param setBy milliseconds that this clock was set ahead by since the step before; back, where it is less than 0.
 * @throws HubError `conflict` or `not_found` when an action does not fit.
 */
export function step(
  plan: RolloutPlan,
  run: RolloutRun,
  event: RolloutEvent,
  observations: Readonly<Record<string, ClusterObservation>>,
  now: number,
  generation: number,
  setBy = 0,
): StepResult {
  const moment: Moment = { plan, observations, now, generation }
  const draft = openDraft(run)
  if (setBy !== 0) shiftTimes(draft, setBy)
  if (!finalPhases.has(run.phase)) forgetFuture(draft, now)
  if (event.kind === 'action') act(draft, run, event, moment)
  if (event.kind === 'measured') takeAnswer(draft, run, event, moment)
  settle(draft, moment)
  const { effects, measurements, recheckAt, ...rest } = draft
  const moved: RolloutRun = { id: run.id, version: run.version, ...rest }
  const next = isSameRun(moved, run) ? run : { ...moved, version: run.version + 1 }
  return {
    run: next,
    effects,
    measurements,
    recheckAt,
    // For people, and only when one asks: a rollout is looked at far more often.
    get waitingFor() {
      return explainWaiting(plan, next, observations, now)
    },
  }
}

function settle(draft: Draft, moment: Moment): void {
  switch (draft.phase) {
    case 'Progressing':
      progress(draft, moment)
      return
    case 'Paused':
      // What is in flight comes to its end; nothing new begins.
      judgeClusters(draft, moment)
      return
    case 'RollingBack':
      judgeRollback(draft, moment)
      return
    case 'Planned':
    case 'Succeeded':
    case 'Failed':
    case 'RolledBack':
    case 'Aborted':
    case 'Superseded':
      return
  }
}

/** Goes as far as it can: through this wave, its gates, and the waves after it. */
function progress(draft: Draft, moment: Moment): void {
  const { plan } = moment
  judgeClusters(draft, moment)
  for (;;) {
    const wave = plan.waves[draft.wave]!
    const place = `wave ${wave.name} (${draft.wave + 1} of ${plan.waves.length})`
    if (draft.waveStartedAt === null) {
      if (stopAtGate(draft, moment, 'before', place)) return
      draft.waveStartedAt = moment.now
    }
    welcomeBack(draft, moment)
    judgeAbsent(draft, moment)
    if (stopAtBreach(draft, moment)) return
    offerContent(draft, moment)
    const mine = openWaves(plan, draft.wave).flatMap(({ clusters }) => clusters)
    const settled = mine.filter((name) => draft.clusters[name]!.state === 'Done')
    if (settled.length < mine.length) {
      closeGates(draft, 'after')
      const done = wave.clusters.filter((name) => draft.clusters[name]!.state === 'Done').length
      draft.message = `${place}: ${done} of ${wave.clusters.length} clusters done`
      return
    }
    if (stopAtGate(draft, moment, 'after', `${place} is done and`)) return
    const last = draft.wave === plan.waves.length - 1
    const failed = last && findBreach(plan, draft.clusters) !== null
    if (!failed && !isProven(mine, draft.clusters)) {
      draft.message = `${place}: no cluster took it, so nothing is proven yet`
      return
    }
    if (last) {
      finish(draft, moment, failed ? 'Failed' : 'Succeeded', sumUp(draft.clusters))
      return
    }
    draft.wave += 1
    draft.waveStartedAt = null
  }
}

/** Whether a gate of the wave in hand keeps the rollout where it is. */
function stopAtGate(draft: Draft, moment: Moment, side: GateSide, place: string): boolean {
  const passage = judgeGates(draft, moment, side)
  switch (passage.state) {
    case 'open':
      return false
    case 'held':
      draft.message = `${place} ${passage.message}`
      return true
    case 'failed':
      failAtGate(draft, moment, `${place} failed a gate: ${passage.message}`)
      return true
  }
}

/**
 * A gate that failed stops the rollout, or turns it round. `continue` is about clusters that fail:
 * what a person put there to hold is not gone past for it.
 */
function failAtGate(draft: Draft, moment: Moment, message: string): void {
  if (moment.plan.onFailure === 'rollback') {
    beginRollback(draft, moment, message)
    judgeRollback(draft, moment)
    return
  }
  draft.phase = 'Paused'
  draft.message = `paused: ${message}`
  draft.recheckAt = null
}

/** Whether a spent budget keeps anything new from being offered. */
function stopAtBreach(draft: Draft, moment: Moment): boolean {
  const { plan } = moment
  const breach = findStop(plan, draft.clusters)
  if (!breach) return false
  if (Object.values(draft.clusters).some(isInFlight)) {
    draft.message = `stopping: ${breach.message}`
    return true
  }
  if (plan.onFailure === 'rollback') {
    beginRollback(draft, moment, breach.message)
    judgeRollback(draft, moment)
  } else {
    draft.phase = 'Paused'
    draft.message = `paused: ${breach.message}`
    draft.recheckAt = null
  }
  return true
}
