import { test } from 'node:test'
import * as fc from 'fast-check'
import { anyMove, anyPlan } from '../unit/hub/rollout/any-rollout.ts'
import { playAll, playToTheEnd } from '../unit/hub/rollout/any-world.ts'

/* The step function in any world, often: `ROLLOUT_RUNS=1000000 node --test` for a night. */

const runs = Number(process.env['ROLLOUT_RUNS'] ?? 10_000)

test(`I6: nothing that may happen breaks it, ${runs} times`, (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  let ended = 0
  fc.assert(
    fc.property(anyPlan, fc.array(anyMove, { maxLength: 40 }), fc.nat(9), (planned, moves, die) => {
      const world = playAll(planned, moves)
      if (die > 0) return
      playToTheEnd(world)
      ended += 1
    }),
    { numRuns: runs, seed },
  )
  t.diagnostic(`${ended} of them were played to their end`)
})
