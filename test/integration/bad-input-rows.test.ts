import assert from 'node:assert/strict'
import { it } from 'node:test'
import words from '../support/bad-input-words.json' with { type: 'json' }
import { findLost, findUnnamed, readTable } from '../support/row-table.ts'

/* CONTRIBUTING.md says of each bad input of Git, rendering and webhooks which tests give it to us. This
   holds it to that. */

const rows = readTable('CONTRIBUTING.md', 'B')
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)

it('lists every bad input from B1 to B40 and from B61 to B70 once, each with tests', () => {
  assert.deepEqual(
    rows.filter(({ files }) => files.length > 0).map(({ number }) => number),
    [...range(1, 40), ...range(61, 70)],
  )
})

it('names only tests that are there and bear the number of the row', () => {
  assert.deepEqual(findLost(rows, 'B'), [])
})

it('leaves out no test file that bears the number of a row', () => {
  assert.deepEqual(findUnnamed(rows, 'B'), [])
})

/* Taken as they are (B4, B38 in a manifest, B65–B67), told nobody (B68, B70), or in words of the test itself (B18, B19, B24, B32). */
const quiet = [4, 18, 19, 24, 32, 65, 66, 67, 68, 70]

it('holds the words of every input that a person is told of', () => {
  const told = new Set(
    Object.keys(words).flatMap((input) => {
      const [label] = input.split(':')
      return [...label!.matchAll(/B(\d+)[a-c]?(?:–B?(\d+))?/g)].flatMap(([, from, to]) =>
        range(Number(from), Number(to ?? from)),
      )
    }),
  )
  const missing = rows.filter(({ number }) => !told.has(number) && !quiet.includes(number))
  assert.deepEqual(
    missing.map(({ number }) => `B${number}`),
    [],
  )
})
