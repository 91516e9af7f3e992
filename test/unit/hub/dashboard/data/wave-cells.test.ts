import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { orderCells } from '../../../../../hub/dashboard/data/wave-cells.ts'

type Cell = Parameters<typeof orderCells>[0][number]

const cell = (name: string, state: string, outcome: string | null = null): Cell => ({
  ...{ name, state, outcome, message: '', digest: null },
  ...{ previousDigest: null, previousRevision: null, soakEndsAt: null },
})
const names = (cells: readonly Cell[]) => cells.map(({ name }) => name)

describe('clusters of a wave', () => {
  it('that need a person come first, then what moves, waits and is done; as people count', () => {
    const { told, small, left } = orderCells([
      cell('e-10', 'Pending'),
      cell('e-2', 'Pending'),
      cell('done', 'Done', 'Succeeded'),
      cell('soaks', 'Soaking'),
      cell('bad', 'Done', 'TimedOut'),
      cell('away', 'Done', 'Unreachable'),
    ])
    assert.deepEqual(names(told), ['away', 'bad', 'soaks', 'e-2', 'e-10', 'done'])
    assert.deepEqual([small, left], [[], 0])
  })

  it('of a large one only what moves or failed is told by name, and each has a sign as far as there is room', () => {
    const many = Array.from({ length: 5_000 }, (_, at) => cell(`e-${at}`, 'Pending'))
    const { told, small, left } = orderCells([...many, cell('bad', 'Done', 'Failed')])
    assert.deepEqual(names(told), ['bad'])
    assert.deepEqual([small.length, left], [2_000, 3_000])
    const failed = orderCells(many.map(({ name }) => cell(name, 'Done', 'Failed')))
    assert.deepEqual([failed.told.length, failed.small.length, failed.left], [100, 2_000, 2_900])
  })
})
