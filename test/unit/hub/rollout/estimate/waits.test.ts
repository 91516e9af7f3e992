import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { type Waits, noWaits, passWave } from '../../../../../hub/rollout/estimate/waits.ts'

const wave = (count: number, maxConcurrent: number) => ({
  clusters: Array.from({ length: count }, (_, at) => `c${at}`),
  maxConcurrent,
})

/** Cluster `cN` is open in the first `open` of each `cycle`, moved on by N modulo `kinds`. */
const cyclic = (open: number, cycle: number, kinds: number): Waits => {
  const shift = (name: string) => Number(name.slice(1)) % kinds
  return {
    keyOf: shift,
    look(name, at) {
      const phase = (at + shift(name)) % cycle
      const isOpen = phase < open
      return { open: isOpen, until: at - phase + (isOpen ? open : cycle) }
    },
  }
}

describe('the passage of a wave', () => {
  test('that nothing keeps back takes as long as its batches', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.integer({ min: 1, max: 60 }), fc.nat(9), (count, slots, each) => {
        const passed = passWave(wave(count, slots), each, 7, noWaits)
        assert.deepEqual(passed, { end: 7 + Math.ceil(count / slots) * each, withheld: 0 })
      }),
    )
  })

  test('begins batches only while some cluster may be offered it', () => {
    const small = fc.integer({ min: 1, max: 6 })
    fc.assert(
      fc.property(
        small,
        small,
        small,
        small,
        small,
        fc.nat(20),
        (count, slots, each, open, shut, start) => {
          const waits = cyclic(open, open + shut, 1)
          const passed = passWave(wave(count, slots), each, start, waits)!
          // By hand, one moment after the other.
          let [at, left, withheld] = [start, count, 0]
          while (left > 0) {
            if (waits.look('c0', at).open) [at, left] = [at + each, left - slots]
            else [at, withheld] = [at + 1, withheld + 1]
          }
          assert.deepEqual(passed, { end: at, withheld })
        },
      ),
    )
  })

  test('takes those first whose windows are open, and waits for the others', () => {
    const waits: Waits = {
      keyOf: (name) => name === 'c0',
      look: (name, at) =>
        name === 'c0' && at < 100 ? { open: false, until: 100 } : { open: true, until: null },
    }
    assert.deepEqual(passWave(wave(3, 1), 10, 0, waits), { end: 110, withheld: 80 })
  })

  test('has no end where a window never opens, or where none is in sight', () => {
    const never: Waits = { keyOf: () => 1, look: () => ({ open: false, until: null }) }
    assert.equal(passWave(wave(1, 1), 1, 0, never), null)
    const shut: Waits = { keyOf: () => 1, look: (_, at) => ({ open: false, until: at + 1 }) }
    assert.equal(passWave(wave(1, 1), 1, 0, shut), null)
    assert.deepEqual(passWave(wave(0, 1), 1, 5, never), { end: 5, withheld: 0 })
  })

  test('of ten thousand clusters one by one costs as much as windows change', () => {
    let looks = 0
    const waits = cyclic(480, 1440, 1)
    const counted: Waits = {
      ...waits,
      look(name, at) {
        looks += 1
        return waits.look(name, at)
      },
    }
    const passed = passWave(wave(10_000, 1), 5, 0, counted)!
    // 96 a day, so that the last is done on the 105th.
    assert.equal(Math.ceil(passed.end / 1_440), 105)
    assert.ok(looks < 300, `${looks}`)
  })
})
