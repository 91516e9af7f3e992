import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  createApplicationSums,
  healthStatusOf,
  syncStatusOf,
} from '../../../../hub/status/application-sums.ts'
import type { ApplicationStanding } from '../../../../hub/status/cluster-view.ts'

const standing = fc.record({
  application: fc.constantFrom('shop', 'till', 'web'),
  standing: fc.constantFrom('updated', 'pending', 'failed', 'unreachable'),
  drifted: fc.boolean(),
  health: fc.constantFrom('Unknown', 'InProgress', 'Current', 'Failed'),
}) satisfies fc.Arbitrary<ApplicationStanding>

const one = (given: Partial<ApplicationStanding>): ApplicationStanding => ({
  ...{ application: 'web', standing: 'updated', drifted: false, health: 'Current' },
  ...given,
})

function sumsOf(...standings: readonly Partial<ApplicationStanding>[]) {
  const sums = createApplicationSums()
  sums.give(standings.map(one))
  return sums.all.get('web')!
}

describe('the sums of applications', () => {
  it('are of what was given and not taken, and nothing stays of an application that is nowhere (property)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(standing, { maxLength: 4 }), fc.boolean()), { maxLength: 20 }),
        (clusters) => {
          const sums = createApplicationSums()
          for (const [standings] of clusters) sums.give(standings)
          for (const [standings, leaves] of clusters) if (leaves) sums.take(standings)
          const fresh = createApplicationSums()
          for (const [standings, leaves] of clusters) if (!leaves) fresh.give(standings)
          const sorted = (all: typeof sums.all) => Object.fromEntries(all)
          assert.deepEqual(sorted(sums.all), sorted(fresh.all))
        },
      ),
    )
  })

  it('are in sync when all that can be reached is as it was decided', () => {
    assert.equal(syncStatusOf(sumsOf({}, { standing: 'unreachable' })), 'Synced')
    assert.equal(syncStatusOf(sumsOf({}, { standing: 'pending' })), 'OutOfSync')
    assert.equal(syncStatusOf(sumsOf({}, { drifted: true })), 'OutOfSync')
    assert.equal(syncStatusOf(sumsOf({ standing: 'unreachable' })), 'Unknown')
  })

  it('are as healthy as the worst of them', () => {
    assert.equal(healthStatusOf(sumsOf({})), 'Current')
    assert.equal(healthStatusOf(sumsOf({}, { health: 'Unknown' })), 'Unknown')
    assert.equal(healthStatusOf(sumsOf({ health: 'Failed' }, { health: 'InProgress' })), 'Failed')
  })
})
