import { test } from 'node:test'
import * as fc from 'fast-check'
import { judgeLedger } from '../../../../support/ledger-oracle.ts'
import { end } from '../several-end.ts'
import { applications, clusters } from '../several-git.ts'
import { anyGit, type Move } from '../several-move.ts'
import { createSeveralHub } from '../several-world.ts'

/* The play of several applications, of which Git declares some no more, and again: what is rare there. */

const application = fc.constantFrom(...applications)
const cluster = fc.constantFrom(...clusters)
const give = fc.record({
  ...{ kind: fc.constant('give' as const), object: fc.nat({ max: 3 }), application },
})
const anyMove: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    kind: fc.constant('commit' as const),
    edits: fc
      .tuple(
        fc.record({
          kind: fc.constantFrom('forsake' as const, 'forsake', 'declare', 'break'),
          application,
        }),
        fc.array(give, { maxLength: 2 }),
      )
      .map(([first, rest]) => [first, ...rest]),
  }),
  fc.record({ kind: fc.constant('revert' as const), back: fc.nat({ max: 3 }) }),
  fc.record({
    ...{ kind: fc.constant('act' as const), application, cluster },
    action: fc.constantFrom(
      ...(['approve', 'approve', 'approve', 'begin', 'pause', 'resume', 'abort', 'retry'] as const),
    ),
    actor: fc.constantFrom('alice', 'bob'),
  }),
  fc.record({
    kind: fc.constant('report' as const),
    cluster,
    sick: fc.constantFrom(null, null, ...applications),
  }),
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('goOn' as const), ms: fc.constantFrom(1, 5_000) }),
  },
  fc.record({ kind: fc.constantFrom('crash' as const, 'takeOver', 'storm', 'decide') }),
  fc.record({ kind: fc.constantFrom('cut' as const, 'join', 'join'), cluster }),
)

test('I6: applications that leave, give their objects away and come back lose nothing, and all ends', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const moves = fc.array(fc.tuple(anyMove, fc.boolean()), { maxLength: 20, size: 'max' })
  const property = fc.asyncProperty(anyGit, moves, async (git, played) => {
    const world = await createSeveralHub({ ...git, windows: [] })
    for (let turn = 0; turn < 6; turn += 1) {
      for (const name of applications) {
        for (const actor of ['alice', 'bob']) {
          const rest = { application: name, cluster: 'c0', actor } as const
          await world.play({ kind: 'act', action: 'approve', still: true, ...rest })
        }
      }
      await world.play({ kind: 'goOn', ms: 5_000, still: false })
    }
    for (const [move, still] of played) await world.play({ ...move, still })
    judgeLedger(world.text())
    await end(world)
  })
  await fc.assert(property, { numRuns: Number(process.env['RUNS'] ?? 15), seed })
})
