import { formatDuration } from '@groundswell/proto/duration.ts'
import { currentSide, findGate } from './gate.ts'
import { gateKey, type GateState } from './gate-state.ts'
import { type GateSide, gatesOf, nameGate, type PlannedGate } from './planned-gate.ts'
import type { RolloutPlan, RolloutRun } from '../rollout.ts'
import { passTime, startWaiting } from './wave-gates.ts'

/** One sentence for each gate that holds the rollout where it stands; empty when none does. */
export function explainGates(plan: RolloutPlan, run: RolloutRun, now: number): string[] {
  const side = currentSide(plan, run)
  if (!side) return []
  const place = namePlace(plan, run, side)
  return [
    ...explainApprovals(plan, run, side),
    ...gatesOf(plan, run.wave, side).flatMap((gate, index) => {
      const state = run.gates[gateKey(run.wave, side, index)]
      return gate.kind === 'approval' || !state ? [] : (explainGate(gate, state, now) ?? [])
    }),
  ].map((words) => `${place} ${words}`)
}

/** Where a paused rollout would stand if it went on now. */
export interface Ahead {
  /** Such as `the gate before wave prod`. */
  readonly place: string
  /** One sentence for each gate that would hold it. */
  readonly waitsFor: readonly string[]
}

/**
 * What a paused rollout would wait for where it stands; null when no gate would hold it there. A gate that
 * failed is not among them: by that it is paused, and says so.
 */
export function foreseeGates(plan: RolloutPlan, run: RolloutRun, now: number): Ahead | null {
  const side = currentSide(plan, run)
  if (!side) return null
  const place = namePlace(plan, run, side)
  const gates = gatesOf(plan, run.wave, side).flatMap((gate, index) => {
    const known = run.gates[gateKey(run.wave, side, index)]
    if (gate.kind === 'approval' || known?.state === 'failed') return []
    // Its time has not begun.
    if (gate.kind === 'soak' && !known) return [`soaks for ${formatDuration(gate.duration)}`]
    // Nothing looked at it meanwhile, and its time went on.
    const state = passTime(gate, known ?? startWaiting({ now, generation: 0 }), now)
    return explainGate(gate, state, now) ?? []
  })
  const approvals = explainApprovals(plan, run, side).map(
    (words) => `${words}; it can be given now`,
  )
  const waitsFor = [...approvals, ...gates].map((words) => `once it goes on, ${place} ${words}`)
  return waitsFor.length === 0 ? null : { place, waitsFor }
}

function namePlace(plan: RolloutPlan, run: RolloutRun, side: GateSide): string {
  return `the gate ${side} wave ${plan.waves[run.wave]?.name}`
}

function explainApprovals(plan: RolloutPlan, run: RolloutRun, side: GateSide): string[] {
  const missing = findGate(plan, run.approvals, run.wave, side)
  const other = missing?.notAuthor ? ' of somebody else than who made the change' : ''
  return (missing?.roles ?? []).map((role) => `waits for an approval by the role ${role}${other}`)
}

function explainGate(gate: PlannedGate, state: GateState, now: number): string | null {
  if (state.state === 'passed') return null
  if (gate.kind === 'soak') {
    return state.state === 'waiting' ? `soaks until ${time(state.since + gate.duration)}` : null
  }
  const said = state.message === '' ? 'no answer yet' : state.message
  switch (state.state) {
    case 'waiting':
      return `waits for ${nameGate(gate)}: ${said}`
    case 'measuring':
      // It was asked again since and is without an answer.
      if (state.nextAt < now) return `measures ${nameGate(gate)}: ${said}`
      return `measures ${nameGate(gate)}: ${said}; next at ${time(state.nextAt)}`
    case 'failed':
      return `has failed by ${nameGate(gate)}: ${said}`
  }
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
