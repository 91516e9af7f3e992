import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Flow, type Turn, createFlow } from '../../../../hub/sync/flow.ts'
import { settle } from '../../../support/manual-clock.ts'

function createWorld(limitBytes = 100) {
  let now = 0
  const timers = new Set<() => void>()
  const flow = createFlow({
    limitBytes,
    stallMs: 5_000,
    monotonic: () => now,
    every(_, run) {
      timers.add(run)
      return () => timers.delete(run)
    },
  })
  return {
    flow,
    timers,
    pass(ms: number) {
      now += ms
      for (const run of timers) run()
    },
  }
}

/** Enters; `turn` is there once it was its turn. */
function enter(flow: Flow, bytes: number, cut = () => {}) {
  const one: { turn?: Turn } = {}
  void flow.enter(bytes, cut).then((turn) => (one.turn = turn))
  return one
}

describe('the flow of content', () => {
  test('F25: agents take turns: one that wants much holds up another by one turn', async () => {
    const { flow } = createWorld(100)
    const served: string[] = []
    async function fetch(name: string, turns: number): Promise<void> {
      for (let n = 0; n < turns; n += 1) {
        const turn = await flow.enter(100, () => {})
        served.push(name)
        await settle()
        turn.end()
      }
    }
    const large = fetch('large', 50)
    await settle()
    const begun = served.length
    await fetch('small', 2)
    assert.ok(served.length - begun <= 5, `${served.length - begun} turns`)
    await large
    assert.equal(served.filter((name) => name === 'large').length, 50)
  })

  test('never holds more than it may, and lets everyone in at last', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(sizes, async (list) => {
        const { flow, timers } = createWorld(100)
        const open = new Set<Turn>()
        let served = 0
        const all = list.map(async (bytes) => {
          const turn = await flow.enter(bytes, () => {})
          assert.ok(flow.bytes <= 100 || open.size === 0, `${flow.bytes}`)
          open.add(turn)
          served += 1
        })
        for (let turns = 0; served < list.length && turns < 100; turns += 1) {
          await settle()
          const [first] = open
          if (!first) continue
          open.delete(first)
          first.end()
          first.end()
        }
        await Promise.all(all)
        for (const turn of open) turn.end()
        assert.equal(flow.bytes, 0)
        assert.equal(timers.size, 0)
      }),
      { numRuns: 50 },
    )
  })

  test('F25: who takes nothing is cut when others wait, the slowest first, and no more than needed', async () => {
    const { flow, pass, timers } = createWorld(100)
    const cut: string[] = []
    const slow = enter(flow, 50, () => cut.push('slow'))
    const steady = enter(flow, 50, () => cut.push('steady'))
    await settle()
    pass(60_000)
    assert.deepEqual([cut, timers.size], [[], 0])
    const late = enter(flow, 40)
    await settle()
    assert.equal(late.turn, undefined)
    steady.turn?.moved()
    pass(1_000)
    assert.deepEqual(cut, ['slow'])
    slow.turn?.end()
    await settle()
    assert.ok(late.turn)
    pass(60_000)
    assert.deepEqual([cut, timers.size], [['slow'], 0])
  })
})
