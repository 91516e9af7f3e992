import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { endOfSoak, foretellEnd } from '../../../../../hub/rollout/estimate/eta.ts'
import { noWaits } from '../../../../../hub/rollout/estimate/waits.ts'
import { drive, good, plan, reports, wave } from '../world.ts'

const minute = 60_000
const past = [
  [
    { wave: 'canary', batch: minute },
    { wave: 'rest', batch: 3 * minute },
  ],
  [
    { wave: 'canary', batch: 2 * minute },
    { wave: 'rest', batch: 5 * minute },
  ],
]
/** Nothing keeps anything back. */
const from = (now: number) => ({
  ...{ now, uncounted: [] },
  waits: { typical: noWaits, longest: noWaits },
})
const planned = plan([
  wave('canary', ['a'], { soak: 4 * minute }),
  wave('rest', ['b'], { before: [{ kind: 'approval', role: 'operator' }] }),
])

describe('when a rollout will be done', () => {
  it('is what its waves took before, counted from where it is', () => {
    const it = drive(planned)
    it.act({ kind: 'start' }, 0)
    // Canary: 1 min and 4 min of soak, then 3 min; at worst 2 + 4 + 5.
    assert.deepEqual(foretellEnd(planned, it.run, past, from(10)), {
      ...{ typical: 8 * minute, longest: 11 * minute },
      uncounted: ['approval by the role operator before wave rest'],
    })
  })

  it('is not before what soaks has soaked, and never past', () => {
    const it = drive(planned)
    it.act({ kind: 'start' }, 0)
    const progress = it.run.clusters['a']
    assert.ok(progress?.state === 'Offered')
    it.seen['a'] = reports(good, progress.generation)
    it.look(9 * minute)
    assert.equal(endOfSoak(planned.waves[0]!, it.run), 13 * minute)
    assert.equal(foretellEnd(planned, it.run, past, from(9 * minute))?.typical, 16 * minute)
    // Overdue: any moment, told by the minute.
    const late = foretellEnd(planned, it.run, past, from(30 * minute + 5))
    assert.deepEqual([late?.typical, late?.longest], [34 * minute, 36 * minute])
  })

  it('is not known without history, and not told of what does not move', () => {
    const it = drive(planned)
    assert.equal(foretellEnd(planned, it.run, past, from(0)), null)
    it.act({ kind: 'start' }, 0)
    assert.deepEqual(foretellEnd(planned, it.run, [], from(0)), {
      ...{ typical: null, longest: null },
      uncounted: ['approval by the role operator before wave rest'],
    })
    it.act({ kind: 'pause' }, 1)
    assert.equal(foretellEnd(planned, it.run, past, from(2)), null)
  })

  it('leaves out gates that have let the wave go', () => {
    const gated = plan([wave('one', ['a'], { before: [{ kind: 'approval', role: 'operator' }] })])
    const it = drive(gated)
    it.act({ kind: 'start' }, 0)
    assert.equal(foretellEnd(gated, it.run, past, from(0))?.uncounted.length, 1)
    it.act({ kind: 'approve' }, 0)
    assert.deepEqual(foretellEnd(gated, it.run, past, from(0))?.uncounted, [])
  })
})
