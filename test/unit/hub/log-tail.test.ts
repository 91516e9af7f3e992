import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { createLogTail } from '../../../hub/log-tail.ts'

it('the tail of a log is its newest lines, in order, and no more than that', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{0,12}$/)),
      fc.integer({ min: 1, max: 9 }),
      (lines, most) => {
        const tail = createLogTail(most, 8)
        for (const line of lines) tail.note(`${line}\n`)
        assert.deepEqual(
          tail.lines(),
          lines.slice(-most).map((line) => line.slice(0, 8)),
        )
      },
    ),
  )
})
