import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createRepairLimit } from '../../../../../agent/apply/track/repair-limit.ts'

describe('createRepairLimit', () => {
  it('undoes the first change at once, and the same manager’s next after a minute', () => {
    const limit = createRepairLimit()
    assert.equal(limit.wait('a', 'robot', 0), 0)
    assert.equal(limit.isContested('a', 'robot', 0), false)
    limit.note('a', 'robot', 0)
    assert.equal(limit.wait('a', 'robot', 1_000), 59_000)
    assert.equal(limit.isContested('a', 'robot', 1_000), true)
    assert.equal(limit.wait('a', 'robot', 60_000), 0)
    assert.equal(limit.wait('b', 'robot', 1_000), 0)
  })

  it('undoes others’ changes meanwhile, three at once and then one in ten seconds', () => {
    const limit = createRepairLimit()
    for (const [at, who] of ['a', 'b', 'c'].entries()) {
      assert.equal(limit.wait('x', who, at), 0)
      limit.note('x', who, at)
    }
    assert.equal(limit.wait('x', 'd', 3), 9_999)
  })

  it('never writes twice a minute against one manager, nor more than nine times in all', () => {
    const changes = fc.array(
      fc.record({
        after: fc.integer({ min: 0, max: 20_000 }),
        by: fc.constantFrom('', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
      }),
      { maxLength: 120 },
    )
    fc.assert(
      fc.property(changes, (changes) => {
        const limit = createRepairLimit()
        const writes: { at: number; by: string }[] = []
        let now = 0
        for (const { after, by } of changes) {
          now += after
          if (limit.wait('x', by, now) > 0) continue
          limit.note('x', by, now)
          writes.push({ at: now, by })
        }
        for (const { at, by } of writes) {
          const minute = writes.filter((one) => one.at > at - 60_000 && one.at <= at)
          assert.equal(minute.filter((one) => one.by === by).length, 1)
          assert.ok(minute.length <= 9)
        }
      }),
    )
  })
})
