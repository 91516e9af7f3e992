import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toApproval } from '../../../../hub/access/approval.ts'
import { HubError } from '../../../../hub/errors.ts'
import { rightsOf } from '../../../../hub/access/rights.ts'
import { createRun } from '../../../../hub/rollout/plan/plan.ts'
import type { RolloutPlan, RolloutRun } from '../../../../hub/rollout/rollout.ts'
import { drive, good, plan, reports, wave } from '../rollout/world.ts'

const operator = rightsOf({ actor: 'ann', role: 'operator' }, () => null)
const viewer = rightsOf({ actor: 'eve', role: 'viewer' }, () => null)

/** Production asks for an administrator, the canary for an operator. */
const gated = plan([
  wave('canary', ['a'], { before: [{ kind: 'approval', role: 'operator' }] }),
  wave('production', ['b'], { before: [{ kind: 'approval', role: 'admin' }] }),
])

function started(planned: RolloutPlan): RolloutRun {
  return { ...createRun(planned), phase: 'Progressing', startedAt: 0 }
}

describe('an approval', () => {
  test('has the roles that its gate asks for, and names the gate', () => {
    assert.deepEqual(toApproval({ plan: gated, run: started(gated) }, operator), {
      ...{ kind: 'approve', roles: ['operator'], at: { wave: 0, gate: 'before' } },
    })
  })

  test('of one who has no such role is refused', () => {
    assert.throws(
      () => toApproval({ plan: gated, run: started(gated) }, viewer),
      (error) => error instanceof HubError && error.code === 'forbidden',
    )
  })

  // Of no known role it counted for any.
  test('asked for while clusters move opens no gate that comes up before its turn', () => {
    const it = drive(gated)
    it.act({ kind: 'start' })
    it.act({ kind: 'approve', roles: ['operator'] })
    const late = toApproval({ plan: gated, run: it.run }, operator)
    it.seen['a'] = reports(good, it.generation)
    it.look(1)
    assert.match(it.last.waitingFor.join(), /before wave production waits .* role admin/)
    assert.throws(
      () => it.act(late, 2, 'ann'),
      (error) => error instanceof HubError && error.code === 'forbidden',
    )
    assert.equal(it.run.waveStartedAt, null)
  })
})
