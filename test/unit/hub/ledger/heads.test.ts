import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { createHeads, headsLimit } from '../../../../hub/ledger/heads.ts'

test('a line is there as it was, as far as it is at hand, and none is beyond the end', () => {
  const heads = createHeads()
  const line = (index: number, text = `line ${index}`) => ({ index, digest: digestOf(text) })
  for (let index = 1; index <= headsLimit + 2; index += 1) heads.note(line(index))
  const last = headsLimit + 2
  assert.ok(heads.has(line(last), last))
  assert.ok(!heads.has(line(last, 'another'), last))
  assert.ok(!heads.has(line(last + 1), last))
  // Too long ago to be at hand: nothing speaks against it.
  assert.ok(heads.has(line(1, 'another'), last))
})
