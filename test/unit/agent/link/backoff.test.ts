import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { backoffDelay } from '../../../../agent/link/backoff.ts'

const failures = fc.oneof(fc.nat(20), fc.nat(), fc.constant(1e9))
const windowMs = fc.oneof(fc.nat(60_000), fc.maxSafeInteger().map(Math.abs))
const awayMs = fc.oneof(fc.nat(120_000), fc.maxSafeInteger().map(Math.abs))
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('the wait is a whole number of milliseconds below 30 seconds, whatever the hub asks for', () => {
  fc.assert(
    fc.property(failures, windowMs, awayMs, random, (failures, windowMs, awayMs, random) => {
      const delay = backoffDelay({ failures, windowMs, awayMs, random })
      assert.ok(Number.isInteger(delay) && delay >= 0 && delay < 30_000, String(delay))
    }),
  )
})

test('more failures never make the wait shorter, and reconnects spread over the window', () => {
  fc.assert(
    fc.property(failures, windowMs, random, (failures, windowMs, random) => {
      const delay = backoffDelay({ failures, windowMs, random })
      assert.ok(backoffDelay({ failures: failures + 1, windowMs, random }) >= delay)
    }),
  )
  const longest = (failures: number, windowMs: number) =>
    backoffDelay({ failures, windowMs, random: 1 - 1e-9 }) + 1
  assert.equal(longest(0, 0), 500)
  assert.equal(longest(1, 0), 1_000)
  assert.equal(longest(40, 0), 30_000)
  assert.equal(longest(0, 10_000), 10_000)
})

test('the wait grows with the time a hub has been away, and never for less than it asked for', () => {
  fc.assert(
    fc.property(windowMs, awayMs, fc.nat(60_000), random, (windowMs, awayMs, more, random) => {
      const delay = backoffDelay({ failures: 0, windowMs, awayMs, random })
      assert.ok(backoffDelay({ failures: 0, windowMs, awayMs: awayMs + more, random }) >= delay)
      assert.ok(delay >= backoffDelay({ failures: 0, windowMs, random }))
    }),
  )
  const longest = (windowMs: number, awayMs: number) =>
    backoffDelay({ failures: 0, windowMs, awayMs, random: 1 - 1e-9 }) + 1
  assert.equal(longest(2_000, 4_000), 2_000)
  assert.equal(longest(2_000, 10_000), 5_000)
  assert.equal(longest(2_000, 3_600_000), 30_000)
})
