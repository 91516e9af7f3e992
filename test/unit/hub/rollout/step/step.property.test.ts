import { test } from 'node:test'
import * as fc from 'fast-check'
import { anyMove, anyPlan } from '../any-rollout.ts'
import { playAll, playToTheEnd } from '../any-world.ts'

/* A few of any rollouts; test/integration/rollout-any.test.ts plays many more. */

test('I6: order, concurrency, budget and exact gates hold in any world, through crashes', () => {
  fc.assert(
    fc.property(anyPlan, fc.array(anyMove, { maxLength: 80, size: 'max' }), (planned, moves) => {
      playAll(planned, moves)
    }),
    { numRuns: 1_000 },
  )
})

test('every rollout ends once clusters are well and people answer', () => {
  fc.assert(
    fc.property(anyPlan, fc.array(anyMove, { maxLength: 30 }), (planned, moves) => {
      playToTheEnd(playAll(planned, moves))
    }),
    { numRuns: 300 },
  )
})
