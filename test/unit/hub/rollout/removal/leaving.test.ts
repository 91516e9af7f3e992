import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createLeaving } from '../../../../../hub/rollout/removal/leaving.ts'

function world(grace = 300_000) {
  let now = 0
  let setAhead = 0
  let decisions = 0
  const timers: { at: number; run: () => void }[] = []
  const leaving = createLeaving({
    grace,
    clock: () => now + setAhead,
    monotonic: () => now,
    later: (ms, run) => void timers.push({ at: now + ms, run }),
    decide: () => void (decisions += 1),
  })
  return {
    leaving,
    timers,
    setClock(by: number) {
      setAhead += by
    },
    get decisions() {
      return decisions
    },
    pass(ms: number) {
      now += ms
      for (const timer of timers.splice(0)) {
        if (timer.at <= now) timer.run()
        else timers.push(timer)
      }
    },
  }
}

describe('F47: a cluster that leaves a selection', () => {
  test('is gone once it was out of it for the whole time, and is decided about then', () => {
    const it = world()
    it.leaving.note('web', ['a'])
    it.pass(299_000)
    it.leaving.note('web', ['a'])
    assert.equal(it.leaving.isLeaving('web', 'a'), true)
    assert.deepEqual(it.leaving.list(), [{ application: 'web', cluster: 'a', at: 300_000 }])
    it.pass(1_100)
    assert.equal(it.decisions, 1)
    assert.equal(it.leaving.isLeaving('web', 'a'), false)
    assert.deepEqual(it.leaving.list(), [])
  })

  test('is not decided about all the time where the time is longer than a timer can be', () => {
    const it = world(60 * 86_400_000)
    it.leaving.note('web', ['a'])
    assert.ok(it.timers[0]!.at < 2 ** 31)
  })

  test('F29: is not gone because the clock of the hub was set', () => {
    const it = world()
    it.leaving.note('web', ['a'])
    it.setClock(3_600_000)
    it.leaving.note('web', ['a'])
    assert.equal(it.leaving.isLeaving('web', 'a'), true, 'an hour ahead')
    assert.deepEqual(it.leaving.list(), [{ application: 'web', cluster: 'a', at: 3_900_000 }])
    it.setClock(-86_400_000)
    it.pass(300_100)
    assert.equal(it.leaving.isLeaving('web', 'a'), false, 'a day back')
  })

  test('and comes back begins anew the next time', () => {
    const it = world()
    it.leaving.note('web', ['a'])
    it.pass(200_000)
    it.leaving.note('web', [])
    it.leaving.note('web', ['a'])
    it.pass(200_000)
    assert.equal(it.leaving.isLeaving('web', 'a'), true)
    assert.equal(it.leaving.isLeaving('shop', 'a'), false)
  })

  test('has one timer set, however often it is noted, and another for those that left later', () => {
    const it = world()
    it.leaving.note('web', ['a'])
    it.pass(100_000)
    it.leaving.note('web', ['a', 'b'])
    assert.equal(it.timers.length, 1)
    it.pass(200_100)
    assert.equal(it.decisions, 1)
    it.leaving.note('web', ['a', 'b'])
    assert.equal(it.timers.length, 1)
    it.pass(100_100)
    assert.equal(it.decisions, 2)
  })

  test('does not wait where no time is asked for', () => {
    const it = world(0)
    it.leaving.note('web', ['a'])
    assert.equal(it.leaving.isLeaving('web', 'a'), false)
    assert.equal(it.timers.length, 0)
  })
})
