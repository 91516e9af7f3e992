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
  // Four times what was waited before it, by the failures until then.
  assert.equal(stream(nothing, 7_999), 4_000)
  assert.equal(stream(nothing, 16_000), 500)
})

test('a hub that starts anew again and again is found soon each time, one that hangs up at once ever later', () => {
  const { stream } = createWorld()
  const nothing = () => {}
  assert.deepEqual(
    new Set(Array.from({ length: 20 }, () => stream(nothing, 10_000))),
    new Set([500]),
  )
  const early = Array.from({ length: 20 }, () => stream(nothing, 1_999))
  assert.deepEqual([early[0], early.at(-1)], [1_000, 30_000])
  // Half a minute is enough, however long was waited.
  assert.equal(stream(nothing, 29_999), 30_000)
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

/** Dials in vain until the hub is back after `awayMs`; the longest time until it is found again. */
function missHub(windowSeconds: number, awayMs: number): { dials: number; lateMs: number } {
  let now = 0
  const redial = createRedial({ monotonic: () => now, random: () => 1 - 1e-9 })
  redial.dialled()
  redial.welcomed(windowSeconds)
  redial.proved()
  redial.failed('hub_unreachable')
  now += redial.delay() + 1
  let dials = 1
  for (; now < awayMs; dials += 1) {
    redial.dialled()
    redial.failed('hub_unreachable')
    now += redial.delay() + 1
  }
  return { dials, lateMs: now - awayMs }
}

test('a hub that was away for seconds is found again within the window that it asked for', () => {
  for (const awayMs of [100, 1_000, 2_500, 3_900]) {
    const { lateMs } = missHub(2, awayMs)
    assert.ok(lateMs <= 2_000, `${awayMs}: ${lateMs}`)
  }
})

test('a long outage is dialled ever less often, and found to be over within half a minute', () => {
  const { dials, lateMs } = missHub(2, 600_000)
  assert.ok(dials <= 35, String(dials))
  assert.ok(lateMs <= 30_000, String(lateMs))
})

test('a hub that is there and refuses us is no outage: the waits double', () => {
  for (const code of ['identity_refused', 'locked', 'hub_untrusted'] as const) {
    let now = 0
    const redial = createRedial({ monotonic: () => now, random: () => 1 - 1e-9 })
    const waits = [1, 2, 3, 4].map(() => {
      redial.dialled()
      redial.failed(code)
      const wait = redial.delay() + 1
      now += wait
      return wait
    })
    assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000], code)
  }
})
