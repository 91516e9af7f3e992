import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, parseDuration } from '@groundswell/proto/duration.ts'

test('milliseconds read back as they were written', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger().map(Math.abs), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms)
    }),
  )
})

test('units add up', () => {
  for (const [text, ms] of [
    ['0s', 0],
    ['250ms', 250],
    ['90s', 90_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1m5ms', 60_005],
  ] as const) {
    assert.equal(parseDuration(text), ms, text)
  }
  assert.equal(formatDuration(5_400_000), '1h30m')
  assert.equal(formatDuration(-5), '0s')
})

test('text that is no duration is refused, not guessed', () => {
  for (const text of ['', '5', 's', '5 m', '-5s', '1.5h', '5d', '5S', ' 5s', '5s\n', '1h 30m']) {
    assert.throws(() => parseDuration(text), TypeError, JSON.stringify(text))
  }
})

test('a duration too long to count exactly is refused', () => {
  assert.throws(() => parseDuration('99999999999999999h'), TypeError)
})
