import assert from 'node:assert/strict'
import { it } from 'node:test'
import { findLost, findUnnamed, readTable } from '../support/row-table.ts'

/* CONTRIBUTING.md says of each fault, F1 to F60, which tests inject it. This holds it to that. */

const rows = readTable('CONTRIBUTING.md', 'F')

it('lists every fault from F1 to F60 once', () => {
  assert.deepEqual(
    rows.map(({ number }) => number),
    Array.from({ length: 60 }, (_, at) => at + 1),
  )
})

it('says of each which tests inject it, or that none does yet', () => {
  const neither = rows.filter(({ files, words }) => files.length === 0 && words !== 'not yet')
  assert.deepEqual(
    neither.map(({ number }) => `F${number}`),
    [],
  )
})

it('has a test for every fault of the agent', () => {
  const agents = [19, ...Array.from({ length: 20 }, (_, at) => 26 + at), 54, 55, 56]
  const missing = rows.filter(({ number, files }) => agents.includes(number) && files.length === 0)
  assert.deepEqual(
    missing.map(({ number }) => `F${number}`),
    [],
  )
})

it('names only tests that are there and bear the number of the row', () => {
  assert.deepEqual(findLost(rows, 'F'), [])
})

it('leaves out no test file that bears the number of a row', () => {
  assert.deepEqual(findUnnamed(rows, 'F'), [])
})
