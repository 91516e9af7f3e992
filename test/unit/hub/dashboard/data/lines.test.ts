import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { countCells, listLines } from '../../../../../hub/dashboard/data/lines.ts'
import { lookOf, looks } from '../../../../../hub/dashboard/data/standing.ts'

const row = (cluster: string, groups: string[], cells: string, stale = false) => ({
  ...{ cluster, groups, cells, stale },
  connection: 'Connected' as const,
})
const rows = [
  row('edge-1', ['prod'], 'uf'),
  row('edge-10', ['prod'], 'uu'),
  row('edge-2', ['prod'], 'uu'),
  row('lab', [], 'p-', true),
  row('eu-1', ['canary', 'prod'], 'ux'),
]
const wordOf = (letter: string) => lookOf(letter).word
const clustersOf = (filter: string) =>
  listLines(rows, filter, wordOf).flatMap((line) =>
    line.kind === 'cluster' ? [line.row.cluster] : [],
  )

describe('lines of the fleet matrix', () => {
  it('are clusters below their first group, those of none last', () => {
    const words = listLines(rows, '', wordOf).map((line) =>
      line.kind === 'group' ? `${line.name} ${line.size}` : line.row.cluster,
    )
    assert.deepEqual(words, [
      ...['canary 1', 'eu-1', 'prod 3', 'edge-1', 'edge-2', 'edge-10'],
      ...['no group 1', 'lab'],
    ])
  })

  it('are those in which every word of the filter is found', () => {
    assert.deepEqual(clustersOf('failed'), ['edge-1'])
    assert.deepEqual(clustersOf('Prod'), ['eu-1', 'edge-1', 'edge-2', 'edge-10'])
    assert.deepEqual(clustersOf('edge failed'), ['edge-1'])
    assert.deepEqual(clustersOf('stale'), ['lab'])
    assert.deepEqual(clustersOf('nothing'), [])
  })

  it('are counted by letter over all rows', () => {
    assert.deepEqual(
      countCells(rows),
      new Map([
        ['u', 6],
        ['f', 1],
        ['p', 1],
        ['-', 1],
        ['x', 1],
      ]),
    )
  })

  it('have a shape of their own for each letter, so that they read without colour', () => {
    const symbols = Object.values(looks).map(({ symbol }) => symbol)
    assert.equal(new Set(symbols).size, symbols.length)
    assert.equal(lookOf(undefined).word, 'none')
  })
})
