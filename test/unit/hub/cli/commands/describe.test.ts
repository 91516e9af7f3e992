import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeRollout } from '../../../../../hub/cli/commands/describe.ts'
import { viewRollout } from '../../../../../hub/api/rollout-view.ts'
import { drive, plan, wave } from '../../rollout/world.ts'

describe('the rules of a rollout', () => {
  const rulesOf = (maxFailures: number, ...budgets: readonly number[]) => {
    const waves = budgets.map((budget, at) =>
      wave(`w${at}`, [`a${at}`, `b${at}`], { maxFailures: budget }),
    )
    const made = plan(waves, { maxFailures })
    const view = viewRollout({ plan: made, run: drive(made).run, waitingFor: [] })
    return /^Rules: +(.*?);/m.exec(describeRollout(view, 0))?.[1]
  }

  it('tell what each wave tolerates, and the overall budget only where it is what stops first', () => {
    // What a strategy without any budget comes to: none in a wave, all clusters in all.
    assert.equal(rulesOf(4, 0, 0), 'failures tolerated: 0 in each wave')
    assert.equal(rulesOf(4, 0, 2), 'failures tolerated: 0 in w0, 2 in w1')
    assert.equal(rulesOf(1, 1, 1), 'failures tolerated: 1 in each wave, 1 in all')
  })
})
