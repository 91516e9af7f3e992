import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createVacancy } from '../../../../hub/replica/vacancy.ts'

const empty = { lease: null, head: null, lines: [] }
const led = { lease: { holder: 'a#1', term: 1, left: 0 }, head: null, lines: [] }

describe('since when nobody holds a lease in Redis', () => {
  let now = 0
  const begin = () => {
    now = 0
    return createVacancy(() => now, 50)
  }

  it('is not known before anybody looked', () => {
    assert.equal(begin().since(), undefined)
  })

  it('is the first of looks that follow each other closely', () => {
    const vacancy = begin()
    for (now = 10; now <= 200; now += 50) vacancy.note(empty)
    now = 210
    assert.equal(vacancy.since(), 10)
  })

  it('begins anew after a lease, held or over', () => {
    const vacancy = begin()
    vacancy.note(empty)
    now = 10
    vacancy.note(led)
    assert.equal(vacancy.since(), undefined)
    now = 20
    vacancy.note(empty)
    assert.equal(vacancy.since(), 20)
  })

  it('begins anew after a gap: others may have led in it, and Redis been emptied since', () => {
    const vacancy = begin()
    vacancy.note(empty)
    now = 51
    assert.equal(vacancy.since(), undefined)
    vacancy.note(empty)
    assert.equal(vacancy.since(), 51)
  })
})
