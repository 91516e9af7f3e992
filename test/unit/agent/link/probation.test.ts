import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createProbation } from '../../../../agent/link/probation.ts'

const life = { from: 1_000, to: 2_000 }

/** With how often the other end was taken for the hub. */
function open(given: typeof life | undefined) {
  const passed = { times: 0 }
  return { passed, probation: createProbation(given, () => void (passed.times += 1)) }
}

describe('a hub whose certificate is not good by our clock (F29)', () => {
  it('is none to wait for where there is nothing to doubt', () => {
    const { passed, probation } = open(undefined)
    assert.equal(probation.open, false)
    probation.judge(9_000)
    assert.equal(passed.times, 1)
  })

  it('is one once a signer attests a time within its life, and that is said once', () => {
    const { passed, probation } = open(life)
    probation.judge(undefined)
    assert.deepEqual([probation.open, passed.times], [true, 0])
    for (const now of [1_500, 1_600, 9_000]) probation.judge(now)
    assert.deepEqual([probation.open, passed.times], [false, 1])
  })

  for (const [when, now, words] of [
    ['before', 999, /has not begun by the time/],
    ['after', 2_001, /is over by the time/],
  ] as const) {
    it(`is none at a time ${when} its life`, () => {
      const { passed, probation } = open(life)
      assert.throws(() => probation.judge(now), { code: 'hub_untrusted', message: words })
      assert.deepEqual([probation.open, passed.times], [true, 0])
    })
  }
})
