import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type LeaseRecord, judgeLease, leaseMs, takeLease } from '../../../../agent/lease/lease.ts'

const nobody: LeaseRecord = { holder: '', version: '', relieved: [] }

describe('whose turn it is', () => {
  test('is whoever comes when nobody holds it, or nobody that lives', () => {
    assert.equal(judgeLease(nobody, 'a', 0), 'take')
    const held = takeLease(nobody, 'a', '1')
    assert.equal(judgeLease(held, 'b', leaseMs - 1), 'prove')
    assert.equal(judgeLease(held, 'b', leaseMs), 'take')
  })

  test("is the holder's own again when its container starts again", () => {
    assert.equal(judgeLease(takeLease(nobody, 'a', '1'), 'a', 0), 'take')
  })

  test('is not taken back by who was relieved, while the one that did so lives', () => {
    const record = takeLease(takeLease(takeLease(nobody, 'a', '1'), 'b', '2'), 'c', '3')
    for (const one of ['a', 'b']) {
      assert.equal(judgeLease(record, one, 0), 'stand-by')
      assert.equal(judgeLease(record, one, leaseMs), 'take')
    }
    assert.equal(judgeLease(record, 'd', 0), 'prove')
  })

  test('settles: pods that take over as soon as they may do so a bounded number of times (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(7), { maxLength: 200 }), (comers) => {
        let record = nobody
        let changes = 0
        for (const pod of comers.map((n) => `pod-${n}`)) {
          if (judgeLease(record, pod, 0) === 'stand-by') continue
          if (record.holder !== pod) changes += 1
          record = takeLease(record, pod, '1')
        }
        assert.ok(changes <= 8, `${changes} changes`)
        assert.ok(record.relieved.length <= 16)
      }),
    )
  })
})
