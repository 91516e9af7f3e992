import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { findDependencyCycles } from '../../../../../hub/fleet/load/dependency-cycle.ts'

const find = (graph: Readonly<Record<string, readonly string[]>>) =>
  findDependencyCycles(new Map(Object.entries(graph)))

describe('findDependencyCycles', () => {
  test('finds none in a tree, a diamond, or where names lead nowhere', () => {
    assert.deepEqual(find({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [], e: ['gone'] }), [])
  })

  test('tells each circle once, from its first name on', () => {
    assert.deepEqual(find({ c: ['a'], b: ['c'], a: ['b'], d: ['d'], x: ['a'] }), [
      ['a', 'b', 'c'],
      ['d'],
    ])
  })

  test('takes a chain of 20,000', () => {
    const chain = Array.from({ length: 20_000 }, (_, at) => [`n${at}`, [`n${at + 1}`]] as const)
    assert.deepEqual(findDependencyCycles(new Map(chain)), [])
  })

  test('says there is a circle exactly when some name can be reached from itself', () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const edges = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)))
    fc.assert(
      fc.property(edges, (pairs) => {
        const graph = new Map(
          names.map((name) => [name, pairs.filter(([from]) => from === name).map(([, to]) => to)]),
        )
        const reach = new Set(pairs.map(([from, to]) => from + to))
        for (const via of names) {
          for (const from of names) {
            for (const to of names) {
              if (reach.has(from + via) && reach.has(via + to)) reach.add(from + to)
            }
          }
        }
        const circular = names.some((name) => reach.has(name + name))
        assert.equal(findDependencyCycles(graph).length > 0, circular)
      }),
    )
  })
})
