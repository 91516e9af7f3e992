import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createTurn } from '../../../hub/turns.ts'

describe('turns', () => {
  test('work goes on until its turn is over, then others are served, then it has a whole turn again', async () => {
    let now = 0
    let rests = 0
    const turn = createTurn(
      10,
      () => now,
      async () => {
        rests += 1
        now += 100
      },
    )
    for (let piece = 0; piece < 9; piece += 1) {
      now += 4
      await turn()
    }
    // The first begins with the first piece; what others took counts against nobody.
    assert.equal(rests, 2)
    assert.equal(turn(), undefined)
  })
})
