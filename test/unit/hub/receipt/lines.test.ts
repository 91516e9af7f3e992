import assert from 'node:assert/strict'
import { it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { emptyReceipts, foldReceipts, listReceiptLines } from '../../../../hub/receipt/lines.ts'

const receipt = { cluster: 'a', application: 'shop', results: digestOf(''), receipt: '' }

it('lines may be folded twice and in any order', () => {
  const state = emptyReceipts()
  for (const line of [5, 2, 9, 5, 2, 7, 9]) foldReceipts(state, line, [receipt, receipt])
  assert.deepEqual([...listReceiptLines(state, 'a', () => true)], [9, 7, 5, 2])
  assert.deepEqual([...listReceiptLines(state, 'a', () => false)], [])
})
