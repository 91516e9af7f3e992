import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addRollout } from '../../../../hub/ledger/by-application.ts'
import { emptyState } from '../../../../hub/ledger/replay.ts'
import { admit } from '../../../../hub/rollout/admission.ts'
import { createRun } from '../../../../hub/rollout/plan.ts'
import type { ClusterProgress } from '../../../../hub/rollout/rollout.ts'
import { plan, wave } from './world.ts'

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
