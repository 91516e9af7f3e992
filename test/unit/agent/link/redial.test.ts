import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRedial } from '../../../../agent/link/redial.ts'

function createWorld() {
  let now = 0
  const redial = createRedial({ monotonic: () => now, random: () => 1 - 1e-9 })
  return {
    redial,
    /** One stream from dial to end; tells the longest wait before the next, in milliseconds. */
    stream(conduct: (redial: ReturnType<typeof createRedial>) => void, lastedMs = 0): number {
      redial.dialled()
      redial.welcomed(0)
      now += lastedMs
      conduct(redial)
      return redial.delay() + 1
    },
  }
}

test('a stream that proved good, or lasted, starts the waits anew; a welcome alone does not', () => {
  const { stream } = createWorld()
  const nothing = () => {}
  assert.deepEqual(
    [1, 2, 3].map(() => stream(nothing)),
    [1_000, 2_000, 4_000],
  )
  assert.equal(
    stream((redial) => redial.proved()),
    500,
  )
  assert.deepEqual(
    [1, 2].map(() => stream(nothing)),
    [1_000, 2_000],
  )
  assert.equal(stream(nothing, 29_999), 4_000)
  assert.equal(stream(nothing, 30_000), 500)
})

test('what no honest hub does counts as a failure, whatever else the stream brought', () => {
  const { stream } = createWorld()
  const waits = [1, 2, 3].map(() =>
    stream((redial) => {
      redial.proved()
      redial.failed('too_much_data')
    }, 3_600_000),
  )
  assert.deepEqual(waits, [1_000, 2_000, 4_000])
})

test('an end of the link, or content that is not there, does not count against a stream', () => {
  const { stream } = createWorld()
  for (const code of ['hub_unreachable', 'content_missing', 'expired'] as const) {
    const wait = stream((redial) => {
      redial.proved()
      redial.failed(code)
    })
    assert.equal(wait, 500, code)
  }
})

test('what one stream did is not held against the next', () => {
  const { stream } = createWorld()
  stream((redial) => redial.failed('signature_invalid'))
  assert.equal(
    stream((redial) => redial.proved()),
    500,
  )
})

test('the hub’s last word on the window counts', () => {
  const { redial } = createWorld()
  redial.dialled()
  redial.welcomed(20)
  redial.proved()
  assert.equal(redial.delay() + 1, 20_000)
  redial.dialled()
  redial.welcomed(20)
  redial.proved()
  redial.dismissed(3)
  assert.equal(redial.delay() + 1, 3_000)
})
