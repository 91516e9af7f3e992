import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createCoalescer } from '../../../../agent/observe/coalesce.ts'
import { createManualClock, settle } from '../../../support/manual-clock.ts'

function createWorld() {
  const clock = createManualClock()
  const stop = new AbortController()
  const flushes: { at: number; names: string[] }[] = []
  const began = clock.now()
  const news = createCoalescer(
    (names) => flushes.push({ at: clock.now() - began, names: [...names].toSorted() }),
    { beginMs: 50, windowMs: 150, longestMs: 400 },
    clock,
    stop.signal,
  )
  return { clock, stop, flushes, ...news }
}

describe('createCoalescer', () => {
  it('hands over at once what was quiet, together with what changed in the same turn', async () => {
    const { changed, flushes } = createWorld()
    for (const name of ['a', 'b', 'a']) changed(name)
    await settle()
    assert.deepEqual(flushes, [{ at: 0, names: ['a', 'b'] }])
  })

  it('lets one that changes without end wait ever longer, and nobody else with it', async () => {
    const { changed, flushes, clock } = createWorld()
    for (let ms = 0; ms < 2_000; ms += 10) {
      changed('storm')
      if (ms === 1_000) changed('other')
      await clock.advance(10)
    }
    const storm = flushes.filter(({ names }) => names.includes('storm')).map(({ at }) => at)
    assert.ok(storm.filter((at) => at < 1_000).length <= 4, storm.join())
    assert.ok(storm.filter((at) => at >= 1_000).length <= 3, storm.join())
    const other = flushes.find(({ names }) => names.includes('other'))
    assert.equal(other?.at, 1_000)
  })

  it('hands work that is over in a moment over once, at its end', async () => {
    const { changed, begun, ended, flushes, clock } = createWorld()
    begun('a')
    changed('a')
    await clock.advance(20)
    changed('a')
    ended('a')
    await clock.advance(1_000)
    assert.deepEqual(flushes, [{ at: 20, names: ['a'] }])
  })

  it('tells that work goes on when it does, and its end without waiting for the window', async () => {
    const { begun, ended, flushes, clock } = createWorld()
    begun('a')
    await clock.advance(60)
    ended('a')
    await clock.advance(0)
    ended('a')
    await clock.advance(1_000)
    assert.deepEqual(
      flushes.map(({ at }) => at),
      [50, 60, 210],
    )
  })

  it('lets work without end wait ever longer, too', async () => {
    const { begun, ended, flushes, clock } = createWorld()
    for (let ms = 0; ms < 2_000; ms += 10) {
      if (ms % 20 === 0) begun('a')
      else ended('a')
      await clock.advance(10)
    }
    const times = flushes.map(({ at }) => at)
    assert.ok(times.filter((at) => at < 1_000).length <= 5, times.join())
    assert.ok(times.filter((at) => at >= 1_000).length <= 3, times.join())
  })

  it('hands over every change in the end, whatever comes when', async () => {
    const names = ['a', 'b', 'c']
    const changes = fc.array(
      fc.record({
        name: fc.constantFrom(...names),
        what: fc.constantFrom('changed', 'begun', 'ended'),
        wait: fc.integer({ min: 0, max: 500 }),
      }),
      { maxLength: 60 },
    )
    await fc.assert(
      fc.asyncProperty(changes, async (changes) => {
        const { flushes, clock, ...news } = createWorld()
        const last = new Map<string, number>()
        let now = 0
        for (const { name, what, wait } of changes) {
          news[what](name)
          last.set(name, now)
          await clock.advance(wait)
          now += wait
        }
        await clock.advance(1_000)
        for (const [name, at] of last) {
          const told = flushes.findLast(({ names }) => names.includes(name))
          assert.ok(told && told.at >= at, name)
          assert.ok(told.at - at <= 400, 'none waits longer than the longest window')
        }
      }),
      { numRuns: 50 },
    )
  })

  it('says nothing any more once it is stopped', async () => {
    const { changed, flushes, stop, clock } = createWorld()
    changed('a')
    stop.abort()
    await clock.advance(1_000)
    changed('b')
    await settle()
    assert.deepEqual(flushes, [])
  })
})
