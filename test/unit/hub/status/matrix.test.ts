import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { viewMatrix } from '../../../../hub/status/matrix.ts'
import { application, assignment, cluster, knownOf } from './known-world.ts'

const names = ['shop']
const contents = (...clusters: string[]) => ({
  ...{ names },
  contents: {
    applications: new Map([['shop', new Map(clusters.map((name) => [name, {}]))]]),
  } as never,
})

/** Letters of `shop` on a, b and c. */
function letters(...args: Parameters<typeof knownOf>): string[] {
  return [...viewMatrix(knownOf(...args), contents('a', 'b', 'c')).rows(null)].map(
    ({ cells }) => cells,
  )
}

describe('the fleet matrix', () => {
  it('has a letter for what an application is on a cluster', () => {
    const drifted = application('shop', { driftedObjects: 1 })
    const failed = application('shop', { phase: 'Failed' })
    const found = letters(
      [assignment('a', 'shop'), assignment('b', 'shop'), assignment('c', 'shop')],
      [
        cluster('a', { applications: { shop: application('shop') } }),
        cluster('b', { applications: { shop: drifted } }),
        cluster('c', { applications: { shop: failed } }),
      ],
    )
    assert.deepEqual(found, ['u', 'd', 'f'])
  })

  it('never shows one that is away as healthy nor as failed', () => {
    const away = { state: 'Disconnected', since: 5 } as const
    const found = letters(
      [assignment('a', 'shop'), assignment('b', 'shop')],
      [
        cluster('a', { connection: away, applications: { shop: application('shop') } }),
        cluster('b', {
          connection: away,
          applications: { shop: application('shop', { phase: 'Failed' }) },
        }),
      ],
    )
    assert.deepEqual(found, ['x', 'x', 'x'])
  })

  it('shows what is still to come, what a veto holds, and what is being removed as such', () => {
    const held = application('shop', { digest: null, held: { digest: null, generation: 2 } })
    const found = letters(
      [assignment('b', 'shop', { generation: 2 }), assignment('c', 'shop', { digest: null })],
      [
        cluster('a'),
        cluster('b', { applications: { shop: held } }),
        cluster('c', { applications: { shop: application('shop') } }),
      ],
    )
    assert.deepEqual(found, ['p', 'v', 'p'])
  })

  it('names the groups of each cluster, and goes on after any name', () => {
    const matrix = viewMatrix(knownOf([], []), { names, contents: null })
    assert.deepEqual(matrix.applications, ['shop'])
    assert.deepEqual(
      [...matrix.rows('a')].map(({ cluster, groups }) => [cluster, groups]),
      [
        ['b', ['all']],
        ['c', []],
      ],
    )
    assert.equal(matrix.row('nope'), undefined)
  })

  it('T34: has no column and no row for who may not see them', () => {
    const known = knownOf([assignment('a', 'shop')], [cluster('a')])
    const matrix = viewMatrix(known, { names, contents: null }, () => false)
    assert.deepEqual([matrix.applications, [...matrix.rows(null)]], [[], []])
  })
})
