import { test } from 'node:test'
import * as fc from 'fast-check'
import { judgeLedger } from '../../../support/ledger-oracle.ts'
import { end } from './several-end.ts'
import { anyGit, anyMoves } from './several-move.ts'
import { createSeveralHub } from './several-world.ts'

/* Several applications that wait for each other, give each other objects, and stand at gates of their own; what
   holds is said in several-judge.ts, what comes to its end in several-end.ts. A few plays; RUNS has many more. */

test('I2, I6: several applications in one hub pass no gate, and no decision of one is lost or touches another', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const property = fc.asyncProperty(anyGit, anyMoves, fc.boolean(), async (git, moves, isSlow) => {
    const world = await createSeveralHub(git, isSlow ? 20_000 : 0)
    for (const move of moves) await world.play(move)
    judgeLedger(world.text())
    await end(world)
  })
  await fc.assert(property, { numRuns: Number(process.env['RUNS'] ?? 25), seed })
})
