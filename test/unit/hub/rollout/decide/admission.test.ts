import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { addRollout } from '../../../../../hub/ledger/by-application.ts'
import { emptyState } from '../../../../../hub/ledger/replay.ts'
import { admit, findFollower, makeWay } from '../../../../../hub/rollout/decide/admission.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import type { ClusterProgress } from '../../../../../hub/rollout/rollout.ts'
import { good, old, plan, target, wave } from '../world.ts'

const soaking: ClusterProgress = {
  ...{ state: 'Soaking', generation: 1, offeredAt: 0, healthySince: 0 },
}

/** What a plan for these clusters meets while a rollout of the same content moves on a, b and c. */
function meet(clusters: readonly string[], b: ClusterProgress) {
  const state = emptyState()
  const active = plan([wave('canary', ['a']), wave('rest', ['b', 'c'])], { id: 'r1' })
  const run = createRun(active)
  const states = { ...run.clusters, a: soaking, b }
  addRollout(state, active, { ...run, phase: 'Progressing', startedAt: 1, clusters: states })
  return admit(state, plan([wave('one', clusters)], { id: 'r2' }), { start: true, force: false })
}

test('a plan of what a rollout in hand brings is answered with that one', () => {
  assert.equal(meet(['a', 'b', 'c'], { state: 'Pending' }).existing, 'r1')
  assert.equal(meet(['a', 'c'], soaking).existing, 'r1')
})

// Git took back what one cluster was to get; the rollout in hand went on and brought it there.
test('a plan without a cluster whose turn is still to come takes its place', () => {
  const { existing, supersedes } = meet(['a', 'c'], { state: 'Pending' })
  assert.deepEqual([existing, supersedes], [null, ['r1']])
})

test('what waits behind a paused rollout follows when that is resumed, or retried after a failure', () => {
  const failed = { state: 'Done', outcome: 'Failed', generation: 1, at: 1, message: '' } as const
  for (const [a, follows] of [
    [soaking, 'resume'],
    [failed, 'retry'],
  ] as const) {
    const state = emptyState()
    const first = plan([wave('canary', ['a']), wave('rest', ['b'])], { id: 'r1' })
    const made = createRun(first)
    const run = {
      ...made,
      phase: 'Paused',
      startedAt: 1,
      clusters: { ...made.clusters, a },
    } as const
    addRollout(state, first, run)
    const next = plan([wave('one', ['a', 'b'])], { id: 'r2', behind: 'r1' })
    addRollout(state, next, createRun(next))
    for (const kind of ['resume', 'retry', 'promote', 'rollback'] as const) {
      const follower = findFollower(state, { plan: first, run }, { kind })
      assert.equal(follower, kind === follows ? 'r2' : undefined, kind)
    }
  }
})

// A plan that brought one cluster something else took along, for another, what had been rolled back.
test('what is on hold is refused beside something else too, as long as Git asks for it', () => {
  const state = emptyState()
  const bad = plan([wave('all', ['a', 'b'])], { id: 'r1' })
  addRollout(state, bad, { ...createRun(bad), phase: 'RolledBack', startedAt: 1, finishedAt: 2 })
  const { application, contentDigest, revision, id } = bad
  const hold = { application, contentDigest, revision, rollout: id, at: 2, reason: 'it broke' }
  state.holds.set('shop', hold)
  const next = plan([wave('all', ['a', 'c'])], {
    ...{ id: 'r2', contentDigest: digestOf('another') },
    targets: { a: target(good, old), c: target() },
  })
  const ask = (isAskedStill: boolean, force = false) =>
    admit(state, next, { start: true, force, isAskedStill }).releases
  assert.throws(() => ask(true), /is on hold since rollout r1/)
  assert.match(ask(true, true)!, /was forced/)
  assert.match(ask(false)!, /brings other content/)
})

// By a clock that was set back the newest was refused for one before it, and that one began to go back beside it.
test('the newest rollout is rolled back, whatever the clock said as it began, and none that never began', () => {
  const state = emptyState()
  for (const [id, startedAt] of [
    ['r1', 3_600_000],
    ['r2', 1_000],
    ['r3', null],
  ] as const) {
    const made = plan([wave('all', ['a'])], { id })
    const phase = startedAt === null ? 'Aborted' : 'Succeeded'
    addRollout(state, made, { ...createRun(made), phase, startedAt })
  }
  const back = (id: string) => makeWay(state, state.plans.get(id)!, { kind: 'rollback' })
  assert.deepEqual(back('r2'), [])
  assert.throws(() => back('r1'), /rollout r2 came after this one; roll that one back/)
  assert.throws(() => back('r3'), /rollout r3 never began: there is nothing to give back/)
})
