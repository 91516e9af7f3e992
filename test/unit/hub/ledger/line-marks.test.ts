import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createLineMarks } from '../../../../hub/ledger/line-marks.ts'

const line = 1_000

it('a mark is never behind the line that is wanted, and near it', () => {
  const marks = createLineMarks()
  for (let after = 1; after <= 5_000; after += 1) marks.note({ after, offset: after * line })
  for (const wanted of [0, 1, 65, 66, 999, 4_999, 5_000, 1e9]) {
    const mark = marks.before(wanted)
    assert.ok(mark.after <= wanted)
    assert.equal(mark.offset, mark.after * line)
    assert.ok(Math.min(wanted, 5_000) - mark.after <= 66, `${mark.after} for ${wanted}`)
  }
})
