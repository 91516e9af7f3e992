import assert from 'node:assert/strict'
import { it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import {
  emptyReceipts,
  foldReceipts,
  isOrWasThere,
  listReceiptLines,
} from '../../../../hub/receipt/lines.ts'

const receipt = { cluster: 'a', application: 'shop', results: digestOf(''), receipt: '' }

it('lines may be folded twice and in any order', () => {
  const state = emptyReceipts()
  for (const line of [5, 2, 9, 5, 2, 7, 9]) foldReceipts(state, line, [receipt, receipt])
  assert.deepEqual([...listReceiptLines(state, 'a', () => true)], [9, 7, 5, 2])
  assert.deepEqual([...listReceiptLines(state, 'a', () => false)], [])
})

it('an application is or was there by its assignment, and by a receipt that was kept', () => {
  const state = { ...emptyReceipts(), assignments: new Map([['a', new Map([['web', {}]])]]) }
  foldReceipts(state, 5, [receipt])
  assert.deepEqual(
    ['web', 'shop', 'toString'].map((application) => isOrWasThere(state, 'a', application)),
    [true, true, false],
  )
  assert.equal(isOrWasThere(state, 'b', 'shop'), false)
})
