import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Hold, holdAll } from '../../../../agent/hold/hold.ts'
import { createHolds } from '../../../../agent/hold/holds.ts'

/* What is on hold now, and that whoever acted on it hears when it has changed. */

function createWorld() {
  let hold: Hold | undefined
  let now = 0
  let look = (): void => {}
  let changes = 0
  const holds = createHolds({
    sources: [{ current: () => hold }],
    clock: () => now,
    every(_, run) {
      look = run
      return () => {}
    },
  })
  holds.listen(() => (changes += 1))
  const settle = async (run: () => unknown) => {
    run()
    await Promise.resolve()
    return changes
  }
  return {
    holds,
    set: (next: Hold | undefined) => (hold = next),
    pass: (ms: number) => (now += ms),
    look: () => settle(() => look()),
    settle,
  }
}

const everything = holdAll('a test', 'nobody knows what was meant')

describe('what is on hold', () => {
  test('a look calls back once for each change', async () => {
    const { set, look } = createWorld()
    assert.equal(await look(), 0)
    set(everything)
    assert.equal(await look(), 1)
    assert.equal(await look(), 1)
    set(undefined)
    assert.equal(await look(), 2)
  })

  test('a hold that runs out is a change', async () => {
    const { holds, set, pass, look } = createWorld()
    set({ ...everything, until: 10 })
    assert.equal(await look(), 1)
    assert.ok(holds.isHeld('web'))
    pass(10)
    assert.equal(await look(), 2)
    assert.deepEqual([holds.active(), holds.isHeld('web')], [[], false])
  })

  for (const [what, ask] of [
    ['reported', ({ active }) => active()],
    ['acted on', ({ isHeld }) => isHeld('web')],
  ] satisfies [string, (holds: ReturnType<typeof createHolds>) => unknown][]) {
    test(`one that was ${what} and ended between two looks is noticed to be over`, async () => {
      const { holds, set, look, settle } = createWorld()
      set(everything)
      assert.equal(await settle(() => ask(holds)), 1)
      set(undefined)
      assert.equal(await look(), 2)
    })
  }
})
