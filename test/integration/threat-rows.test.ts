import assert from 'node:assert/strict'
import { it } from 'node:test'
import { findLost, findUnnamed, readTable } from '../support/row-table.ts'

/* SECURITY.md says of each threat, T1 to T38, which tests hold it or where it belongs. This holds
   SECURITY.md to that: no row is left out, and a test it names is there under the row's number. */

const rows = readTable('SECURITY.md', 'T')

it('lists every threat from T1 to T38 once', () => {
  assert.deepEqual(
    rows.map(({ number }) => number),
    Array.from({ length: 38 }, (_, at) => at + 1),
  )
})

it('says of each which tests hold it, or the issue it belongs to', () => {
  const neither = rows.filter(({ files, words }) => files.length === 0 && !/issue \d/.test(words))
  assert.deepEqual(
    neither.map(({ number }) => `T${number}`),
    [],
  )
})

it('names only tests that are there and bear the number of the row', () => {
  assert.deepEqual(findLost(rows, 'T'), [])
})

it('leaves out no test file that bears the number of a row', () => {
  assert.deepEqual(findUnnamed(rows, 'T'), [])
})
