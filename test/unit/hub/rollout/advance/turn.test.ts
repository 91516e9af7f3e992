import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { findFollower, isOutdated } from '../../../../../hub/rollout/decide/admission.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import { emptyState } from '../../../../../hub/ledger/replay.ts'
import { addRollout } from '../../../../../hub/ledger/by-application.ts'
import type { RolloutPlan, RolloutRun } from '../../../../../hub/rollout/rollout.ts'
import { isItsTurn } from '../../../../../hub/rollout/advance/turn.ts'
import { good, old, plan, target, wave } from '../world.ts'

/* A rollout that is under way, and one that was written down before its hub died. */
function play(run: Partial<RolloutRun>, next: Partial<RolloutPlan> = {}) {
  const state = emptyState()
  const begun = plan([wave('all', ['a', 'b'])], { id: 'r1' })
  addRollout(state, begun, { ...createRun(begun), startedAt: 1, ...run })
  const due = plan([wave('all', ['b'])], { id: 'r2', starts: true, ...next })
  addRollout(state, due, createRun(due))
  const before = { plan: begun, run: state.runs.get('r1')! }
  return {
    isTurn: isItsTurn(state, due),
    isOld: isOutdated(state, due),
    follower: findFollower(state, before, { kind: 'resume' }),
  }
}
const byPerson = { phase: 'Paused', message: 'paused by alice' } as const

// It began as the new hub came to it, and went on with what a person had paused just before.
test('a rollout whose hub died over it waits for what a person has paused since, and goes in its place', () => {
  assert.deepEqual(play(byPerson), { isTurn: false, isOld: false, follower: 'r2' })
  assert.equal(play({ phase: 'Progressing' }).isTurn, true)
  const else_ = { targets: { b: target(old, { ...good, digest: digestOf('else') }) } }
  assert.equal(play(byPerson, else_).isTurn, true, 'it goes on with nothing of that')
})

// It took the place of a rollback on its way, and brought again what that took back.
test('a rollout whose hub died over it waits for a rollback, and is planned anew after that, or what was aborted', () => {
  assert.equal(play({ phase: 'RollingBack' }).isTurn, false)
  for (const phase of ['RolledBack', 'Aborted'] as const) {
    assert.equal(play({ phase, finishedAt: 5 }, { createdAt: 4 }).isOld, true)
    assert.equal(play({ phase, finishedAt: 3 }, { createdAt: 4 }).isOld, false, 'it was known')
    assert.equal(play({ phase, finishedAt: 3 }, { createdAt: 4, supersede: 'queue' }).isOld, true)
  }
  assert.equal(play({ phase: 'Succeeded', finishedAt: 5 }, { createdAt: 4 }).isOld, false)
})

test('what stands in line waits for the end of what is before it', () => {
  assert.equal(play({ phase: 'Progressing' }, { supersede: 'queue' }).isTurn, false)
  assert.equal(play({ phase: 'Succeeded' }, { supersede: 'queue' }).isTurn, true)
  assert.equal(play(byPerson, { supersede: 'queue' }).follower, undefined)
})
