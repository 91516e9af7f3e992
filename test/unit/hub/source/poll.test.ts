import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { hintDelay, hintSpacing, nextPollDelay } from '../../../../hub/source/poll.ts'

const jitter = fc.double({ min: 0, max: 1, noNaN: true })
const interval = fc.integer({ min: 1_000, max: 3_600_000 })

test('a good source is asked at its interval, a tenth more or less', () => {
  fc.assert(
    fc.property(interval, jitter, (interval, jitter) => {
      const delay = nextPollDelay({ interval, failures: 0, jitter })
      return Math.abs(delay - interval) <= interval * 0.1 + 1
    }),
  )
})

// It was asked a thousand times a second.
test('a source with an interval of a year is asked more often, not all the time', () => {
  const delay = nextPollDelay({ interval: 8_760 * 3_600_000, failures: 0, jitter: 1 })
  assert.ok(delay > 86_400_000 && delay < 2 ** 31, `${delay}`)
})

test('a failing source is asked ever less often, never less than its interval asks', () => {
  fc.assert(
    fc.property(
      interval,
      jitter,
      fc.integer({ min: 1, max: 10_000 }),
      (interval, jitter, failures) => {
        const delay = nextPollDelay({ interval, failures, jitter })
        const later = nextPollDelay({ interval, failures: failures + 1, jitter })
        return delay >= 500 && delay <= interval && later >= delay
      },
    ),
  )
})

test('the first retries come after one, two and four seconds', () => {
  const delays = [1, 2, 3].map((failures) =>
    nextPollDelay({ interval: 60_000, failures, jitter: 1 }),
  )
  assert.deepEqual(delays, [1_000, 2_000, 4_000])
})

test('the first hint is heeded at once, the next after the spacing', () => {
  assert.equal(hintDelay(1_000, null), 0)
  assert.equal(hintDelay(1_000, 1_000), hintSpacing)
  assert.equal(hintDelay(1_150, 1_000), hintSpacing - 150)
  assert.equal(hintDelay(9_000, 1_000), 0)
})
