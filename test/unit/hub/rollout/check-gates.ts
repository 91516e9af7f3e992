import assert from 'node:assert/strict'
import type { GateAnswer } from '../../../../hub/rollout/gate/gate-state.ts'
import type { MetricGate, PlannedGate } from '../../../../hub/rollout/gate/planned-gate.ts'
import type { RolloutEvent, RolloutPlan, RolloutRun } from '../../../../hub/rollout/rollout.ts'

/* What must hold of gates in each step, said anew and not with the step function's code. */

/** An answer that was given, whether it was still wanted or not. */
export interface Given {
  readonly gate: string
  readonly since: number
  readonly opening?: number
  readonly round: number
  readonly answer: GateAnswer
}

export interface GateFacts {
  readonly event: RolloutEvent
  readonly now: number
  readonly given: readonly Given[]
}

/** Every gate of a side is open, unless nothing is behind it. */
export function assertOpen(
  planned: RolloutPlan,
  run: RolloutRun,
  at: number,
  side: 'before' | 'after',
) {
  const [mine, ...rest] = planned.waves.slice(at)
  const empty = mine!.clusters.length === 0
  if (empty && (side === 'before' || rest.every((later) => later.clusters.length === 0))) return
  const people = run.approvals.filter((given) => given.wave === at && given.gate === side)
  const different = new Set(people.map(({ actor }) => actor)).size
  assert.equal(different, people.length)
  let wanted = 0
  mine![side].forEach((gate, index) => {
    if (gate.kind === 'approval') wanted += gate.count ?? 1
    else {
      const state = run.gates[`${at}/${side}/${index}`]?.state
      assert.equal(state, 'passed', `past the ${gate.kind} gate ${side} wave ${at}`)
    }
  })
  assert.ok(different >= wanted, `gate ${side} wave ${at} lacks approvals`)
}

/** Conditions and metrics that are gone past were good a moment ago, unless a person opened them. */
export function assertFresh(
  planned: RolloutPlan,
  { gates }: RolloutRun,
  at: number,
  side: 'before' | 'after',
  now: number,
) {
  planned.waves[at]![side].forEach((gate, index) => {
    const state = gates[`${at}/${side}/${index}`]
    if (gate.kind !== 'cel' && gate.kind !== 'metric') return
    if (state?.state !== 'passed' || state.promoted) return
    const slow = planned.waves[at]![side].map((one) => (one.kind === 'metric' ? one.timeout : 0))
    const most = gate.interval + (gate.kind === 'metric' ? Math.max(...slow) : 0)
    assert.ok(now - state.at <= most, `past a ${gate.kind} gate of ${now - state.at} ms ago`)
  })
}

/** A gate passes or fails for a reason that can be seen from outside. */
export function checkGates(
  planned: RolloutPlan,
  was: RolloutRun,
  is: RolloutRun,
  facts: GateFacts,
): void {
  for (const [key, state] of Object.entries(is.gates)) {
    const before = was.gates[key]
    if (before?.state === 'passed' && state.state === 'measuring') {
      assert.ok(!before.promoted && state.round === 1, `${key} is measured once more`)
    }
    if (before?.state === state.state || (state.state !== 'passed' && state.state !== 'failed')) {
      continue
    }
    const [wave, side, index] = key.split('/') as [string, 'before' | 'after', string]
    const gate = planned.waves[Number(wave)]![side][Number(index)]!
    const { event } = facts
    if (state.state === 'passed' && event.kind === 'action' && event.action.kind === 'promote') {
      continue
    }
    assert.equal(Number(wave), was.wave, `${key} ended while wave ${was.wave} was in hand`)
    assert.ok(before && before.state !== 'passed' && before.state !== 'failed', `${key} came ended`)
    assert.ok(isJustified(gate, key, state.state, before, facts), `${key} ${state.state}`)
  }
}

function isJustified(
  gate: PlannedGate,
  key: string,
  end: 'passed' | 'failed',
  { since, opening }: { readonly since: number; readonly opening?: number },
  { event, now, given }: GateFacts,
): boolean {
  switch (gate.kind) {
    case 'approval':
      return false
    case 'soak':
      return end === 'passed' && now - since >= gate.duration
    case 'cel':
    case 'webhook': {
      if (end === 'failed' && gate.deadline !== undefined && now - since >= gate.deadline)
        return true
      if (event.kind !== 'measured' || event.gate !== key || event.answer.kind !== 'verdict') {
        return false
      }
      return event.answer.verdict === (end === 'passed' ? 'pass' : 'fail')
    }
    case 'metric': {
      if (event.kind !== 'measured' || event.gate !== key) return false
      // The world gives only one sort of values in a round, so that rounds can be counted.
      const rounds = new Map<number, 'good' | 'bad' | 'wait' | 'nobody'>()
      for (const one of given) {
        if (
          one.gate !== key ||
          one.since !== since ||
          one.opening !== opening ||
          one.answer.kind !== 'values'
        )
          continue
        if (!rounds.has(one.round)) rounds.set(one.round, judge(gate, one.answer.values))
      }
      const count = (what: string) => [...rounds.values()].filter((is) => is === what).length
      if (count('nobody') > 0) return true
      if (end === 'failed') return count('bad') > gate.failureLimit
      // What was good before people or others kept the rollout is asked once more, from its second question on.
      const wanted = rounds.has(0) ? gate.count : 1
      return count('good') >= wanted && now - since >= (wanted - 1) * gate.interval
    }
  }
}

function judge(
  { missing, success: { min = -Infinity, max = Infinity } }: MetricGate,
  values: Readonly<Record<string, readonly number[]>>,
): 'good' | 'bad' | 'wait' | 'nobody' {
  const [first] = Object.values(values)
  if (!first) return 'nobody'
  const real = first.filter((value) => !Number.isNaN(value))
  if (real.length === 0) return missing === 'pass' ? 'good' : missing === 'fail' ? 'bad' : 'wait'
  return real.every((value) => value >= min && value <= max) ? 'good' : 'bad'
}
