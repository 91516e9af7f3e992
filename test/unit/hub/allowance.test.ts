import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createAllowance } from '../../../hub/allowance.ts'

it('allows each key so many at once, and one more after each while', () => {
  let now = 0
  const take = createAllowance({ burst: 3, refillMs: 1_000, monotonic: () => now })
  const takeMany = (key: string) =>
    Array.from({ length: 5 }, () => take(key)).filter(Boolean).length
  assert.equal(takeMany('a'), 3)
  assert.equal(takeMany('b'), 3, 'each has its own')
  now += 1_000
  assert.equal(takeMany('a'), 1)
  now += 500
  assert.equal(take('a'), false)
  now += 60_000
  assert.equal(takeMany('b'), 3)
  assert.equal(takeMany('a'), 3, 'never more than that')
})
