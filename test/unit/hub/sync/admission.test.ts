import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Admitted, createAdmission } from '../../../../hub/sync/admission.ts'

const options = { atOnce: 4, perSecond: 1_000, open: 10, clock: () => 0 }
const isAdmitted = (verdict: Admitted | string): verdict is Admitted => typeof verdict !== 'string'

describe('admission before TLS', () => {
  test('one address takes half of the handshakes at most, all together no more than there are', () => {
    const admission = createAdmission(options)
    const first = ['a', 'a'].map((address) => admission.admit(address))
    assert.ok(first.every(isAdmitted))
    assert.equal(admission.admit('a'), 'handshakes')
    assert.ok(['b', 'c'].map((address) => admission.admit(address)).every(isAdmitted))
    assert.equal(admission.admit('d'), 'handshakes')
    for (const one of first) if (isAdmitted(one)) one.settled()
    assert.ok(isAdmitted(admission.admit('d')))
    assert.deepEqual(admission.counts, { handshakes: 3, connections: 5 })
  })

  test('a rate for all and half of it for one address, two seconds saved up', () => {
    let now = 0
    const admission = createAdmission({ atOnce: 1_000, perSecond: 10, open: 99, clock: () => now })
    const take = (address: string) => isAdmitted(admission.admit(address))
    assert.equal(Array.from({ length: 30 }, () => take('a')).filter(Boolean).length, 10)
    assert.equal(admission.admit('a'), 'rate')
    assert.equal(Array.from({ length: 30 }, (_, n) => take(`${n}`)).filter(Boolean).length, 10)
    now = 1_000
    assert.equal(Array.from({ length: 30 }, (_, n) => take(`${n}`)).filter(Boolean).length, 10)
  })

  test('connections that stay open are bounded as well', () => {
    const admission = createAdmission(options)
    const open = Array.from({ length: 10 }, (_, n) => {
      const one = admission.admit(`${n}`)
      assert.ok(isAdmitted(one))
      one.settled()
      return one
    })
    assert.equal(admission.admit('x'), 'open')
    open[0]!.closed()
    open[0]!.closed()
    assert.ok(isAdmitted(admission.admit('x')))
    assert.equal(admission.admit('y'), 'open')
  })

  test('those of one address are bounded where that is asked for, and free again when they close', () => {
    const admission = createAdmission({ ...options, openEach: 2 })
    const [first, second] = ['a', 'a'].map((address) => admission.admit(address))
    assert.ok(isAdmitted(first!) && isAdmitted(second!))
    for (const one of [first, second]) one.settled()
    assert.equal(admission.admit('a'), 'open')
    assert.ok(isAdmitted(admission.admit('b')))
    second.closed()
    second.closed()
    assert.ok(isAdmitted(admission.admit('a')))
    assert.equal(admission.admit('a'), 'open')
  })

  test('whatever comes and goes, counts are right and within their bounds', () => {
    const step = fc.record({
      address: fc.nat(3),
      what: fc.constantFrom('admit', 'settle', 'close'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const admission = createAdmission(options)
        const open: Admitted[] = []
        for (const { address, what } of steps) {
          if (what === 'admit') {
            const verdict = admission.admit(`${address}`)
            if (isAdmitted(verdict)) open.push(verdict)
          } else if (what === 'settle') open[address]?.settled()
          else open.splice(address, 1)[0]?.closed()
          const { handshakes, connections } = admission.counts
          assert.ok(handshakes >= 0 && handshakes <= 4 && connections <= 10)
          assert.equal(connections, open.length)
        }
        for (const one of open) one.closed()
        assert.deepEqual(admission.counts, { handshakes: 0, connections: 0 })
      }),
    )
  })
})
