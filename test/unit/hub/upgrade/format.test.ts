import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { HubError } from '../../../../hub/errors.ts'
import {
  type FormatMark,
  type UpgradeStep,
  refuseNewer,
  upgrade,
} from '../../../../hub/upgrade/format.ts'
import { formatMark, parseMark } from '../../../../hub/upgrade/mark.ts'

class Killed extends Error {}

/** Rows in the form that their number says, a mark, and a hub that dies after so many writes. */
function createWorld(rows: readonly number[], form: number) {
  const data = [...rows]
  let [stored, left] = [form, Infinity]
  const write = (): void => {
    if (left <= 0) throw new Killed('killed')
    left -= 1
  }
  const mark: FormatMark = {
    place: 'the world',
    remedy: 'build another',
    read: async () => stored,
    async record(next) {
      write()
      stored = next
    },
  }
  const steps = (newest: number): UpgradeStep[] =>
    Array.from({ length: newest - 1 }, (_, at) => ({
      to: at + 2,
      what: `to ${at + 2}`,
      async run() {
        let changed = 0
        for (const [row, is] of data.entries()) {
          if (is !== at + 1) continue
          write()
          data[row] = at + 2
          changed += 1
        }
        return changed
      },
    }))
  return {
    ...{ data, mark, steps },
    stored: () => stored,
    dieAfter: (writes: number) => void (left = writes),
  }
}

describe('an upgrade', () => {
  test('comes to the same whenever its hub is killed, and however often', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 4 }),
        fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 6 }),
        async (rows, form, more, kills) => {
          const newest = form + more
          const world = createWorld(Array<number>(rows).fill(form), form)
          for (const writes of kills) {
            world.dieAfter(writes)
            await upgrade(world.mark, world.steps(newest), () => {}).catch((error: unknown) => {
              if (!(error instanceof Killed)) throw error
            })
            // The number never says more than is so.
            assert.ok(world.data.every((is) => is >= world.stored()))
          }
          world.dieAfter(Infinity)
          await upgrade(world.mark, world.steps(newest), () => {})
          assert.equal(world.stored(), newest)
          assert.ok(world.data.every((is) => is === newest))
        },
      ),
    )
  })

  test('does only the steps that are left, in their order, and tells what changed something', async () => {
    const world = createWorld([2, 2], 2)
    const said: string[] = []
    await upgrade(world.mark, world.steps(4), (message) => said.push(message))
    assert.deepEqual(said, ['the world, form 3: to 3 (2)', 'the world, form 4: to 4 (2)'])
    await upgrade(world.mark, world.steps(4), (message) => said.push(message))
    assert.equal(said.length, 2)
  })

  test('leaves newer data alone, and says what to do', async () => {
    const world = createWorld([4], 4)
    const isNewer = (error: unknown): boolean =>
      error instanceof HubError &&
      error.code === 'data_newer' &&
      error.message ===
        'the world is of a newer hub: its data has form 4, and this hub knows up to 3. Nothing was changed. Start the newer hub, or build another'
    world.dieAfter(0)
    await assert.rejects(refuseNewer(world.mark, world.steps(3)), isNewer)
    await assert.rejects(
      upgrade(world.mark, world.steps(3), () => {}),
      isNewer,
    )
    assert.deepEqual([world.stored(), world.data], [4, [4]])
  })
})

describe('the mark in Redis', () => {
  test('is read as it was written', () => {
    for (const form of [1, 2, 10, 99_999]) assert.equal(parseMark(formatMark(form)), form)
  })

  test('counts as one of before when it has no number, or was changed by a byte', () => {
    for (const text of ['', '1', '2', 'seven', '2 sha256:']) assert.equal(parseMark(text), 1, text)
    const mark = Buffer.from(formatMark(2))
    for (let at = 0; at < mark.byteLength; at += 1) {
      for (let bit = 1; bit < 256; bit <<= 1) {
        const changed = Buffer.from(mark)
        changed[at]! ^= bit
        assert.equal(parseMark(changed.toString('latin1')), 1, changed.toString('latin1'))
      }
    }
  })
})
