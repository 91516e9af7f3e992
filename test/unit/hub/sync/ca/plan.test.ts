import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type AuthorityLife,
  planAuthorities,
  shortestAuthorityLife,
} from '../../../../../hub/sync/ca/plan.ts'

const life = (number: number, from: number, length = 100): AuthorityLife => ({
  number,
  from,
  to: from + length,
})

describe('which certificate authority does what', () => {
  it('the first one issues at once', () => {
    assert.deepEqual(planAuthorities([], 0), { issuing: 1, trusted: [1], due: 1 })
    const plan = planAuthorities([life(1, 0)], 0)
    assert.deepEqual(plan, { issuing: 1, trusted: [1], due: undefined })
  })

  it('the next one is made, made known, takes over, and is alone at last', () => {
    const at = (now: number) => planAuthorities([life(1, 0), life(2, 70)], now)
    assert.equal(planAuthorities([life(1, 0)], 69).due, undefined)
    assert.equal(planAuthorities([life(1, 0)], 70).due, 2)
    assert.deepEqual(at(79), { issuing: 1, trusted: [1, 2], due: undefined })
    assert.deepEqual(at(80), { issuing: 2, trusted: [2, 1], due: undefined })
    assert.deepEqual(at(100), { issuing: 2, trusted: [2], due: undefined })
    assert.equal(at(140).due, 3)
  })

  it('a hub that was off for too long goes on with one that nobody was told of, rather than with none', () => {
    assert.deepEqual(planAuthorities([life(1, 0), life(2, 150)], 151), {
      issuing: 2,
      trusted: [2],
      due: undefined,
    })
    assert.deepEqual(planAuthorities([life(1, 0)], 500), { issuing: 1, trusted: [1], due: 2 })
  })

  it('over any life one issues at a time, each was trusted for a tenth of a life before', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 10_000 }),
        fc.integer({ min: 1, max: 50 }),
        (length, step) => {
          const lives: AuthorityLife[] = []
          const trustedSince = new Map<number, number>()
          let issuing = 0
          // It looks often enough: a tenth of a life is more than a few looks.
          for (let now = 0; now < length * 5; now += Math.min(step, length / 20)) {
            const { due } = planAuthorities(lives, now)
            if (due !== undefined) lives.push(life(due, now, length))
            const plan = planAuthorities(lives, now)
            assert.equal(planAuthorities(lives, now).due, undefined, 'one at a time')
            for (const number of plan.trusted) {
              if (!trustedSince.has(number)) trustedSince.set(number, now)
              assert(now < lives.find((one) => one.number === number)!.to)
            }
            assert.equal(plan.trusted[0], plan.issuing)
            assert(plan.issuing >= issuing, 'never back')
            if (plan.issuing > Math.max(issuing, 1)) {
              assert(now - trustedSince.get(plan.issuing)! >= length * 0.1 - 1e-6)
            }
            issuing = plan.issuing
          }
          assert(issuing > 3)
        },
      ),
    )
  })

  it('agents renew twice while a new one is made known', () => {
    assert.equal(shortestAuthorityLife(24), 480)
  })
})
