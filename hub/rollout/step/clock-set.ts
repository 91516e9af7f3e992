import type { Draft } from './draft.ts'
import type { GateState } from '../gate/gate-state.ts'
import type { ClusterProgress } from '../rollout.ts'

/* The hub's clock was set, or another hub has another: what a rollout waits for goes on from where it was. */

/** Clocks of two hubs, and one that is put right, may differ by so much and cost no step. */
const leeway = 1_000

/** Moves whatever is still counted from by so many milliseconds. */
export function shiftTimes(draft: Draft, by: number): void {
  for (const [key, state] of Object.entries(draft.gates)) draft.gates[key] = shiftGate(state, by)
  for (const [name, progress] of Object.entries(draft.clusters)) {
    draft.clusters[name] = shiftProgress(progress, by)
  }
}

/**
 * A time that is yet to come was written by a clock that was ahead: by its measure a soak of minutes
 * could take a day. The newest such time becomes now, and the others stay as far apart from it.
 */
export function forgetFuture(draft: Draft, now: number): void {
  const ahead = findNewest(draft) - now
  if (ahead > leeway) shiftTimes(draft, -ahead)
}

function findNewest({ gates, clusters }: Draft): number {
  let newest = -Infinity
  for (const state of Object.values(gates)) {
    if ('since' in state && state.since > newest) newest = state.since
  }
  for (const progress of Object.values(clusters)) {
    const from = countedFrom(progress)
    if (from > newest) newest = from
  }
  return newest
}

function countedFrom(progress: ClusterProgress): number {
  switch (progress.state) {
    case 'Offered':
    case 'Reverting':
      return progress.offeredAt
    case 'Soaking':
      return progress.healthySince
    case 'Done':
      // A connection is held against it.
      return progress.outcome === 'Unreachable' ? progress.at : -Infinity
    case 'Pending':
    case 'Reverted':
      return -Infinity
  }
}

function shiftGate(state: GateState, by: number): GateState {
  switch (state.state) {
    case 'waiting':
      return { ...state, since: state.since + by }
    case 'measuring':
      return { ...state, since: state.since + by, nextAt: state.nextAt + by }
    case 'passed':
    case 'failed':
      return state
  }
}

function shiftProgress(progress: ClusterProgress, by: number): ClusterProgress {
  switch (progress.state) {
    case 'Offered':
    case 'Reverting':
      return { ...progress, offeredAt: progress.offeredAt + by }
    case 'Soaking':
      return {
        ...progress,
        offeredAt: progress.offeredAt + by,
        healthySince: progress.healthySince + by,
      }
    case 'Done':
      return progress.outcome === 'Unreachable' ? { ...progress, at: progress.at + by } : progress
    case 'Pending':
    case 'Reverted':
      return progress
  }
}
