import assert from 'node:assert/strict'
import { it } from 'node:test'
import { aggregate, reportedEntries } from '../../../../agent/observe/aggregate.ts'
import { createPassingDrift } from '../../../../agent/observe/passing-drift.ts'

const drift = (object: string, firstSeen = 0) => ({ object, missing: true, firstSeen, fields: [] })
const state = (...objects: string[]) =>
  aggregate({
    application: 'shop',
    manifestDigest: null,
    generation: 1,
    phase: 'Applied',
    healed: 0,
    objects: [],
    errors: [],
    drift: objects.map((object) => drift(object)),
  })

it('tells of drift that was put right before the report of it left, and then no more', () => {
  const passing = createPassingDrift()
  passing.note(state('a'))
  passing.note(state())
  const told = passing.addTo(state())
  assert.deepEqual([told.drift.map(({ object }) => object), told.driftedObjects], [['a'], 1])
  passing.forget('shop')
  const after = state()
  assert.equal(passing.addTo(after), after)
})

it('tells of what still differs once, by its newest state', () => {
  const passing = createPassingDrift()
  passing.note({ application: 'shop', drift: [drift('a', 1)] })
  const now = state('a', 'b')
  assert.equal(passing.addTo(now), now)
})

it('keeps a bounded number of objects, and applications apart', () => {
  const passing = createPassingDrift()
  for (let n = 0; n < 1_000; n += 1) passing.note(state(`o${n}`))
  assert.equal(passing.addTo(state()).driftedObjects, reportedEntries)
  assert.equal(passing.addTo({ ...state(), application: 'web' }).driftedObjects, 0)
})
