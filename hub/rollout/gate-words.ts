import { currentSide, findGate } from './gate.ts'
import { gateKey } from './gate-state.ts'
import { gatesOf, nameGate, type PlannedGate } from './planned-gate.ts'
import type { RolloutPlan, RolloutRun } from './rollout.ts'

/** One sentence for each gate that holds the rollout where it stands; empty when none does. */
export function explainGates(plan: RolloutPlan, run: RolloutRun, now: number): string[] {
  const side = currentSide(plan, run)
  if (!side) return []
  const place = `the gate ${side} wave ${plan.waves[run.wave]?.name}`
  const missing = findGate(plan, run.approvals, run.wave, side)
  const other = missing?.notAuthor ? ' of somebody else than who made the change' : ''
  return [
    ...(missing?.roles ?? []).map(
      (role) => `${place} waits for an approval by the role ${role}${other}`,
    ),
    ...gatesOf(plan, run.wave, side).flatMap((gate, index) => {
      const words = explainGate(gate, run.gates[gateKey(run.wave, side, index)], now)
      return words === null ? [] : [`${place} ${words}`]
    }),
  ]
}

function explainGate(
  gate: PlannedGate,
  state: RolloutRun['gates'][string] | undefined,
  now: number,
): string | null {
  if (gate.kind === 'approval' || !state || state.state === 'passed') return null
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
