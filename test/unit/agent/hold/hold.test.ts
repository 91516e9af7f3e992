import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { describeHold, isHeld, isOver, readHold } from '../../../../agent/hold/hold.ts'

const until = '2026-05-01T06:00:00Z'

describe('readHold', () => {
  it('reads what to hold, how, until when and why', () => {
    const members = { mode: 'refuse', until, reason: ' audit ', applications: 'shop, web\nbilling' }
    assert.deepEqual(readHold(members, 'here'), {
      source: 'here',
      refuse: true,
      until: Date.parse(until),
      reason: 'audit',
      applications: ['shop', 'web', 'billing'],
    })
  })

  it('holds everything until it is released, where nothing is said', () => {
    const hold = readHold({}, 'here')
    assert.deepEqual([hold.refuse, hold.until, hold.applications], [false, null, []])
    assert.ok(isHeld([hold], 'any', Number.MAX_SAFE_INTEGER))
  })

  it('what cannot be read holds everything, and says what is wrong', () => {
    const wrong: [unknown, RegExp][] = [
      ['text', /not a mapping/],
      [{ untill: until }, /untill is not known/],
      [{ mode: 'maybe' }, /neither postpone nor refuse/],
      [{ until: 'tomorrow' }, /not a time/],
      [{ until: '2026-05-01 06:00' }, /not a time/],
      [{ until: '2026-99-01T06:00:00Z' }, /not a time/],
      [{ reason: 7 }, /reason is not text/],
      [{ applications: 'Shop!' }, /not the name of an application/],
      [{ applications: Array.from({ length: 300 }, (_, at) => `a${at}`).join() }, /more than 200/],
    ]
    for (const [value, words] of wrong) {
      const hold = readHold(value, 'here')
      assert.match(hold.fault ?? '', words)
      assert.ok(isHeld([hold], 'any', 0))
      assert.match(describeHold(hold), /cannot be read/)
    }
  })

  it('never throws, and never lets go of what it cannot read', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('refuse', 'postpone', until, 'shop'))
    const members = fc.dictionary(
      fc.constantFrom('mode', 'until', 'reason', 'applications', 'other'),
      text,
    )
    fc.assert(
      fc.property(fc.oneof(members, fc.anything()), (value) => {
        const hold = readHold(value, 'here')
        if (hold.fault === undefined) return
        assert.deepEqual([hold.until, hold.applications], [null, []])
      }),
    )
  })

  it('ends at its time, and covers what it names', () => {
    const hold = readHold({ until, applications: 'shop' }, 'here')
    const end = Date.parse(until)
    assert.deepEqual([isOver(hold, end - 1), isOver(hold, end)], [false, true])
    assert.ok(isHeld([hold], 'shop', end - 1))
    assert.ok(!isHeld([hold], 'web', end - 1))
    assert.ok(!isHeld([hold], 'shop', end))
  })
})
