import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { admitCertificate, type Pins, planRenewal } from '../../../../hub/sync/pins.ts'
import {
  type CertificateNumber,
  formatSerial,
  parseSerial,
} from '../../../../hub/sync/serial-number.ts'

const number = (series: number, generation: number, last = 0): CertificateNumber => {
  const serial = formatSerial(series, generation, Buffer.alloc(9, last))
  return { series, generation, serial }
}
const pinned = (at: CertificateNumber, next: Pins['next'] = null): Pins => ({ ...at, next })

describe('admitCertificate', () => {
  const one = number(1, 1)
  const two = number(1, 2)
  const waiting = pinned(one, { serial: two.serial, generation: 2, key: 'k' })

  test('the certificate in use passes and changes nothing', () => {
    assert.deepEqual(admitCertificate(waiting, one), { admitted: true, pins: null })
  })

  test('the first use of the next one ends the one before it', () => {
    const admission = admitCertificate(waiting, two)
    assert.deepEqual(admission, { admitted: true, pins: { ...pinned(two), key: 'k' } })
    assert.equal(admitCertificate(pinned(two), one).admitted, false)
  })

  test('another of the same generation is not the one that was given', () => {
    assert.equal(admitCertificate(pinned(one), number(1, 1, 9)).admitted, false)
    assert.equal(admitCertificate(waiting, number(1, 2, 9)).admitted, false)
  })

  test('after Redis was lost the highest generation that comes is the one in use', () => {
    const admission = admitCertificate(undefined, one)
    assert.deepEqual(admission, { admitted: true, pins: pinned(one) })
    const three = admitCertificate(pinned(one), number(1, 3))
    assert.deepEqual(three, { admitted: true, pins: pinned(number(1, 3)) })
    assert.equal(admitCertificate(pinned(number(1, 3)), two).admitted, false)
  })

  test('a new series begins anew, whatever was pinned before', () => {
    assert.equal(admitCertificate(pinned(number(1, 40)), number(2, 1)).admitted, true)
  })
})

describe('planRenewal', () => {
  const at = pinned(number(1, 4))

  test('a generation is followed by the next', () => {
    assert.deepEqual(planRenewal(at, 4, 'k'), { kind: 'issue', generation: 5 })
  })

  test('asked again for the same key, the answer got lost', () => {
    const next = { serial: number(1, 5).serial, generation: 5, key: 'k' }
    assert.deepEqual(planRenewal({ ...at, next }, 4, 'k'), { kind: 'issue', generation: 5 })
  })

  test('T20: a generation renewed for two keys is two agents', () => {
    const next = { serial: number(1, 5).serial, generation: 5, key: 'k' }
    assert.equal(planRenewal({ ...at, next }, 4, 'other').kind, 'lock')
  })

  test('T20: a generation that was renewed already is two agents', () => {
    assert.equal(planRenewal(at, 3, 'k').kind, 'lock')
  })

  test('T20: the question before, for the very key that is in use by now, only comes late', () => {
    const after = { ...at, key: 'k' }
    assert.equal(planRenewal(after, 3, 'k').kind, 'late')
    assert.equal(planRenewal(after, 3, 'other').kind, 'lock')
    assert.equal(planRenewal(after, 2, 'k').kind, 'lock')
  })

  test('T20: of two agents that share a key, however they take turns, one is found out', () => {
    // Each acts as it would alone: renews what it has, with a key of its own, and then uses that.
    const turns = fc.array(fc.constantFrom(0, 1), { minLength: 8, maxLength: 30 })
    fc.assert(
      fc.property(turns, (turns) => {
        fc.pre(turns.filter((who) => who === 0).length > 1 && turns.includes(1))
        let pins = pinned(number(1, 1))
        const agents = [number(1, 1), number(1, 1)]
        let found = false
        const seen = new Set<number>()
        for (const [turn, who] of turns.entries()) {
          const admission = admitCertificate(pins, agents[who]!)
          if (!admission.admitted) {
            found = true
            break
          }
          pins = admission.pins ?? pins
          const plan = planRenewal(pins, agents[who]!.generation, `key ${who} ${turn}`)
          if (plan.kind !== 'issue') {
            found = true
            break
          }
          seen.add(who)
          const given = number(1, plan.generation, turn + 1)
          pins = { ...pins, next: { ...given, key: `key ${who} ${turn}` } }
          agents[who] = given
        }
        assert(found || seen.size < 2)
      }),
    )
  })
})

test('a number reads back as it was written, and nothing else is one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 16 - 1 }),
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.uint8Array({ minLength: 9, maxLength: 9 }),
      (series, generation, random) => {
        const serial = formatSerial(series, generation, random)
        assert.deepEqual(parseSerial(serial), { series, generation, serial })
        assert.deepEqual(parseSerial(serial.slice(1).toUpperCase()), { series, generation, serial })
      },
    ),
  )
  for (const text of ['', '01', 'zz', `03${'0'.repeat(30)}`, `01${'0'.repeat(31)}`, `-1`]) {
    assert.equal(parseSerial(text), undefined)
  }
})
