import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { addRollout, putAssignment } from '../../../../../hub/ledger/by-application.ts'
import { emptyState } from '../../../../../hub/ledger/replay.ts'
import { admit } from '../../../../../hub/rollout/decide/admission.ts'
import { listOver } from '../../../../../hub/rollout/hold/hold-end.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import type { Content, RolloutPlan, RolloutRun } from '../../../../../hub/rollout/rollout.ts'
import { contentsOf, fleetOf } from '../decide-world.ts'
import { good, old, plan, target, wave } from '../world.ts'

const bad = { ...good, digest: digestOf('bad') }
const nothing = { digest: null, size: 0, revision: 'gone' }

/** `r1` brought bad content to `a` and `b`, was rolled back, and is on hold; `c` has nothing of it. */
function createHold() {
  const state = emptyState()
  const add = (id: string, content: Content, phase: RolloutRun['phase'], ...clusters: string[]) => {
    const targets = Object.fromEntries(clusters.map((name) => [name, target(old, content)]))
    const rest = { id, targets, contentDigest: digestOf(id) }
    const made = plan([wave('all', clusters)], rest)
    addRollout(state, made, { ...createRun(made), phase })
    return made
  }
  const { contentDigest } = add('r1', bad, 'RolledBack', 'a', 'b')
  const hold = { application: 'shop', contentDigest, revision: 'bad', rollout: 'r1', at: 1 }
  state.holds.set('shop', { ...hold, reason: 'it broke' })
  const give = (cluster: string, content: Content, rollout: string, generation = 2) =>
    putAssignment(state, { ...content, cluster, application: 'shop', generation, rollout })
  give('a', old, 'r1')
  give('b', old, 'r1')
  const deleted = fleetOf(['a', 'b', 'c'], { web: '' })
  const selected = fleetOf(['a', 'b', 'c'], { shop: '' })
  return {
    ...{ add, give },
    admit: (made: RolloutPlan) => admit(state, made, { start: true, force: false }).releases,
    /** Where Git declares it no more. */
    overWithout: () => listOver(state, deleted, contentsOf(deleted)),
    /** Where Git asks for this. */
    overWith(asked: Record<string, Content>) {
      const applications = new Map([['shop', new Map(Object.entries(asked))]])
      return listOver(state, selected, { applications })
    },
    overBroken: () => listOver(state, selected, { applications: new Map() }),
  }
}

describe('the hold of an application that is taken away', () => {
  // A person was to say first whether it is removed at all, and Git took its word back: the bad content came again.
  it('stays while the removal is planned, and while it stands at its gate', () => {
    const { add, admit, overWithout } = createHold()
    assert.deepEqual(overWithout(), [])
    const removal = add('r2', nothing, 'Planned', 'a', 'b')
    assert.equal(admit({ ...removal, id: 'r3' }), null)
    assert.deepEqual(overWithout(), [])
  })

  it('is over once the removal has come to a cluster that the bad rollout was for', () => {
    const { add, give, overWithout } = createHold()
    add('r2', nothing, 'Progressing', 'a', 'b', 'c')
    give('c', nothing, 'r2', 9)
    assert.deepEqual(overWithout(), [], 'to another')
    give('a', nothing, 'r2', 9)
    assert.deepEqual(overWithout(), [['shop', 'rollout r2 takes the application away']])
  })

  it('stays where nothing was removed but by the rollback, or before the bad rollout', () => {
    const { add, give, overWithout } = createHold()
    give('a', nothing, 'r1', 9)
    assert.deepEqual(overWithout(), [])
    const before = createHold()
    before.give('a', nothing, 'r0', 9)
    assert.deepEqual(before.overWithout(), [])
    // One that was to bring content, and was rolled back where there had been nothing.
    add('r2', good, 'RolledBack', 'a')
    give('a', nothing, 'r2', 10)
    assert.deepEqual(overWithout(), [])
  })

  it('stays while one of those clusters is to run it still, or has it and may be selected again, or nobody can tell', () => {
    const { add, give, overWith, overBroken } = createHold()
    add('r2', nothing, 'Succeeded', 'a')
    give('a', nothing, 'r2', 9)
    assert.deepEqual(overWith({ b: bad, c: bad }), [])
    assert.deepEqual(overWith({ c: bad }), [], 'b is selected no more only since a moment ago')
    assert.deepEqual(overWith({}), [], 'who selects nobody removes nothing')
    assert.deepEqual(overBroken(), [])
    give('b', nothing, 'r2', 9)
    assert.deepEqual(overWith({}), [])
    assert.deepEqual(overWith({ c: bad }), [['shop', 'rollout r2 takes the application away']])
  })

  it('stays while a rollback is under way, which sets it again as it ends', () => {
    const { add, overWith } = createHold()
    const over = [['shop', 'Git asks for the held content no more']]
    assert.deepEqual(overWith({ a: good, b: old }), over)
    add('r2', nothing, 'RollingBack', 'a')
    assert.deepEqual(overWith({ a: good, b: old }), [])
  })
})
