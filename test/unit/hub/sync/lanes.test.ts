import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createLanes } from '../../../../hub/sync/lanes.ts'
import { settle } from '../../../support/manual-clock.ts'

describe('lanes', () => {
  test('let so many go on at a time, in the order they came, failed or not', async () => {
    const run = createLanes(2)
    const begun: number[] = []
    const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
    const done = gates.map(({ promise }, at) =>
      run(async () => {
        begun.push(at)
        await promise
      }).catch(() => {}),
    )
    await settle()
    assert.deepEqual(begun, [0, 1])
    gates[1]!.reject(new Error('failed'))
    await settle()
    assert.deepEqual(begun, [0, 1, 2])
    gates[0]!.resolve()
    gates[2]!.resolve()
    await settle()
    assert.deepEqual(begun, [0, 1, 2, 3, 4])
    gates[3]!.resolve()
    gates[4]!.resolve()
    await Promise.all(done)
    // All lanes are free again.
    await Promise.all([run(async () => {}), run(async () => {}), run(async () => {})])
  })
})
