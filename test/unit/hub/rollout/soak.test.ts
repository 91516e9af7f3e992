import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { away, drive, good, idle, plan, reports, wave } from './world.ts'

describe('the soak of a cluster', () => {
  test('of a cluster that stumbles starts again, and fails when it fails', () => {
    const it = drive(plan([wave('one', ['a'], { soak: 600_000 })]))
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, 1)
    it.look(10)
    it.seen['a'] = reports(good, 1, { health: 'InProgress' })
    assert.equal(it.look(300_000).recheckAt, 360_000, 'the deadline counts from the stumble')
    assert.deepEqual(it.outcomes(), { a: 'Offered' })
    it.seen['a'] = reports(good, 1)
    assert.equal(it.look(300_010).recheckAt, 900_010)
    it.seen['a'] = reports(good, 1, { health: 'Failed', message: 'crash loop' })
    it.look(300_020)
    assert.deepEqual(it.outcomes(), { a: 'Failed' })
    assert.match(it.run.message, /crash loop/)
  })

  // A stream lasts an hour, and the soak of a day began anew with each.
  test('goes on over a short cut, once the cluster says that it is well still', () => {
    const it = drive(plan([wave('one', ['a'], { soak: 100_000 })]))
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, 1)
    it.look(1_000)
    it.seen['a'] = away(50_000)
    it.look(50_000)
    it.seen['a'] = { ...idle(52_000), unheard: true }
    assert.equal(it.look(52_000).recheckAt, 82_000)
    assert.deepEqual(it.outcomes(), { a: 'Soaking' })
    it.seen['a'] = { ...reports(good, 1), since: 52_000 }
    assert.equal(it.look(53_000).recheckAt, 101_000)
    it.seen['a'] = { ...idle(100_500), unheard: true }
    it.look(101_000)
    assert.deepEqual(it.outcomes(), { a: 'Soaking' }, 'it has not said so again')
    it.look(130_500)
    assert.deepEqual(it.outcomes(), { a: 'Offered' }, 'and does not')
  })

  test('begins again where a cluster comes back and has nothing: it may be another by that name', () => {
    const it = drive(plan([wave('one', ['a'], { soak: 100_000 })]))
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, 1)
    it.look(1_000)
    it.seen['a'] = idle(52_000)
    it.look(52_000)
    assert.deepEqual(it.outcomes(), { a: 'Offered' })
  })

  test('time away is no part of it where the cluster is waited for: it begins again', () => {
    const it = drive(plan([wave('one', ['a'], { soak: 600_000 })], { offline: 'wait' }))
    it.act({ kind: 'start' })
    it.seen['a'] = reports(good, 1)
    it.look(1_000)
    it.seen['a'] = away(2_000)
    assert.equal(it.look(2_000).recheckAt, 32_000)
    assert.equal(it.look(31_999).run.clusters['a']?.state, 'Soaking', 'a short cut is not news')
    it.look(32_000)
    it.seen['a'] = { ...reports(good, 1), since: 700_000 }
    assert.equal(it.look(700_000).recheckAt, 1_300_000)
    assert.deepEqual(it.outcomes(), { a: 'Soaking' })
    it.look(1_300_000)
    assert.deepEqual(it.outcomes(), { a: 'Succeeded' })
  })
})
