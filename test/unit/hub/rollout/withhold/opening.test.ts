import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { findOpening, type ScheduledWindow } from '../../../../../hub/rollout/withhold/opening.ts'

const at = (text: string) => Date.parse(text)
/** `open until 07:00Z` and the like, in UTC. */
const show = (window: ScheduledWindow, now: string) => {
  const { open, until } = findOpening(window, at(now))
  const when = until === null ? 'never' : new Date(until).toISOString().slice(0, 16)
  return `${open ? 'open' : 'closed'} until ${when}`
}

describe('a window', () => {
  const nights = { schedule: '0 22 * * 1-5', duration: '8h', timeZone: 'Europe/Berlin' }

  test('is open from its time, included, for its duration, excluded', () => {
    const day = { schedule: '0 9 * * *', duration: '1h' }
    assert.equal(show(day, '2026-06-01T08:59:59.999Z'), 'closed until 2026-06-01T09:00')
    assert.equal(show(day, '2026-06-01T09:00:00Z'), 'open until 2026-06-01T10:00')
    assert.equal(show(day, '2026-06-01T09:59:59.999Z'), 'open until 2026-06-01T10:00')
    assert.equal(show(day, '2026-06-01T10:00:00Z'), 'closed until 2026-06-02T09:00')
  })

  test('is of its time zone, in summer and in winter', () => {
    assert.equal(show(nights, '2026-07-01T19:59:00Z'), 'closed until 2026-07-01T20:00')
    assert.equal(show(nights, '2026-07-01T20:00:00Z'), 'open until 2026-07-02T04:00')
    assert.equal(show(nights, '2026-01-07T20:30:00Z'), 'closed until 2026-01-07T21:00')
    assert.equal(show(nights, '2026-01-09T23:00:00Z'), 'open until 2026-01-10T05:00')
    assert.equal(show(nights, '2026-01-10T23:00:00Z'), 'closed until 2026-01-12T21:00')
  })

  test('a night that loses or gains an hour is as long as any other', () => {
    const every = { ...nights, schedule: '0 22 * * *' }
    assert.equal(show(every, '2026-03-28T22:00:00Z'), 'open until 2026-03-29T05:00')
    assert.equal(show(every, '2026-10-24T22:00:00Z'), 'open until 2026-10-25T04:00')
  })

  test('a time that the clock skips is an hour later, one that it has twice counts once', () => {
    const early = { schedule: '30 2 * * *', duration: '30m', timeZone: 'Europe/Berlin' }
    assert.equal(show(early, '2026-03-29T00:00:00Z'), 'closed until 2026-03-29T01:30')
    assert.equal(show(early, '2026-03-29T01:45:00Z'), 'open until 2026-03-29T02:00')
    assert.equal(show(early, '2026-10-25T00:45:00Z'), 'open until 2026-10-25T01:00')
    for (const second of ['01:00', '01:30', '01:45', '02:00', '03:30']) {
      const told = show(early, `2026-10-25T${second}:00Z`)
      assert.equal(told, 'closed until 2026-10-26T01:30', second)
    }
  })

  test('openings that meet or overlap are one', () => {
    const halves = { schedule: '0 0,12 * * 6', duration: '12h' }
    assert.equal(show(halves, '2026-06-06T03:00:00Z'), 'open until 2026-06-07T00:00')
    const always = findOpening(
      { schedule: '* * * * *', duration: '5m' },
      at('2026-06-06T03:00:30Z'),
    )
    assert.equal(always.open, true)
    assert.ok(always.until! > at('2026-06-06T03:05:00Z'))
  })

  test('one whose day never comes is closed for ever', () => {
    const { open, until } = findOpening(
      { schedule: '0 0 29 2 *', duration: '1h' },
      at('2026-06-01'),
    )
    assert.equal(open, false)
    assert.equal(until, at('2028-02-29'))
  })

  // cron-parser left these out: a freeze from midnight did not begin that day.
  test('opens in the night that has no midnight, an hour later', () => {
    const santiago = { schedule: '0 0 * * 0', duration: '24h', timeZone: 'America/Santiago' }
    assert.equal(show(santiago, '2026-09-06T03:59:00Z'), 'closed until 2026-09-06T04:00')
    assert.equal(show(santiago, '2026-09-06T12:00:00Z'), 'open until 2026-09-07T04:00')
    const cairo = { schedule: '0 0 * * *', duration: '1h', timeZone: 'Africa/Cairo' }
    assert.equal(show(cairo, '2027-04-29T22:30:00Z'), 'open until 2027-04-29T23:00')
  })

  test('of a clock that is set on or back by half an hour opens as any other', () => {
    const timeZone = 'Australia/Lord_Howe'
    const skipped = { schedule: '15,35 2 * * *', duration: '5m', timeZone }
    assert.equal(show(skipped, '2026-10-03T15:00:00Z'), 'closed until 2026-10-03T15:35')
    assert.equal(show(skipped, '2026-10-03T15:41:00Z'), 'closed until 2026-10-03T15:45')
    const twice = { schedule: '45 1 * * *', duration: '5m', timeZone }
    assert.equal(show(twice, '2027-04-03T14:46:00Z'), 'open until 2027-04-03T14:50')
    assert.equal(show(twice, '2027-04-03T15:16:00Z'), 'closed until 2027-04-04T15:15')
  })

  test('of every hour is of each hour that the clock has twice', () => {
    for (const [timeZone, now] of [
      ['Australia/Lord_Howe', '2027-04-03T15:15:00Z'],
      ['Europe/Berlin', '2026-10-25T01:15:00Z'],
    ] as const) {
      const { open } = findOpening({ schedule: '*/10 * * * *', duration: '10m', timeZone }, at(now))
      assert.equal(open, true, timeZone)
    }
  })

  // Found by the property below: cron-parser loops before such a clock.
  test('goes on past a clock that is set back by half an hour', () => {
    const window = { schedule: '0 */3 * * *', duration: '1h', timeZone: 'Australia/Lord_Howe' }
    const now = at('2026-04-04') + 14 * 3_600_000
    assert.deepEqual(findOpening(window, now), {
      open: false,
      until: Date.parse('2026-04-04T16:30:00Z'),
    })
  })

  test('agrees with arithmetic, where no clock is ever changed', () => {
    const hour = 3_600_000
    fc.assert(
      fc.property(
        fc.record({
          minute: fc.integer({ min: 0, max: 59 }),
          hour: fc.integer({ min: 0, max: 23 }),
          length: fc.integer({ min: 1, max: 23 * 60 }),
          now: fc.integer({ min: at('2026-01-01'), max: at('2030-01-01') }),
          zone: fc.constantFrom(['UTC', 0], ['Asia/Tokyo', 9], ['Asia/Kolkata', 5.5]),
        }),
        ({ minute, hour: hours, length, now, zone: [timeZone, offset] }) => {
          const day = 24 * hour
          const first = (hours - offset) * hour + minute * 60_000
          const since = (((now - first) % day) + day) % day
          const window = {
            schedule: `${minute} ${hours} * * *`,
            duration: `${length}m`,
            timeZone,
          }
          const open = since < length * 60_000
          const until = open ? now - since + length * 60_000 : now - since + day
          assert.deepEqual(findOpening(window, now), { open, until })
        },
      ),
      { numRuns: 300 },
    )
  })

  test('changes no sooner than it says, whatever the time zone and the day', () => {
    fc.assert(
      fc.property(
        fc.record({
          schedule: fc.constantFrom('30 2 * * *', '0 */3 * * *', '15 1 * 3,10 0', '0 22 * * 5'),
          duration: fc.constantFrom('20m', '1h', '5h', '62h'),
          timeZone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
        }),
        fc.constantFrom('2026-03-28', '2026-10-24', '2026-03-07', '2026-10-31', '2026-04-04'),
        fc.integer({ min: 0, max: 60 * 48 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (window, day, minutes, part) => {
          const now = at(day) + minutes * 60_000
          const { open, until } = findOpening(window, now)
          assert.ok(until !== null && until > now)
          const between = now + Math.floor((until - 1 - now) * part)
          assert.equal(findOpening(window, between).open, open, new Date(between).toISOString())
        },
      ),
      { numRuns: 60 },
    )
  })
})
