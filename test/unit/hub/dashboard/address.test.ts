import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Route, parseRoute, toPath, toTitle } from '../../../../hub/dashboard/address.ts'

const routes: Route[] = [
  { page: 'fleet', filter: '' },
  { page: 'fleet', filter: 'prod failed & more' },
  { page: 'clusters' },
  { page: 'cluster', name: 'edge-1', application: null },
  { page: 'cluster', name: 'edge-1', application: 'shop' },
  { page: 'applications' },
  { page: 'application', name: 'shop', cluster: null },
  { page: 'application', name: 'shop', cluster: 'edge-1' },
  { page: 'plan', name: 'shop', live: false },
  { page: 'plan', name: 'shop', live: true },
  { page: 'proposal', of: null },
  { page: 'proposal', of: { kind: 'pullRequest', name: '7' } },
  { page: 'proposal', of: { kind: 'branch', name: 'feature/x & y' } },
  { page: 'rollouts' },
  { page: 'rollout', id: 'r-1' },
  { page: 'events' },
  { page: 'drift' },
  { page: 'holds' },
  { page: 'windows' },
  { page: 'policies' },
  { page: 'audit', after: null },
  { page: 'audit', after: 300 },
]

describe('addresses of the dashboard', () => {
  for (const route of routes) {
    it(`${toPath(route)} leads back to where it was taken from`, () => {
      const { pathname, search } = new URL(toPath(route), 'http://hub')
      assert.deepEqual(parseRoute(pathname, search), route)
    })
  }

  it('have titles that tell them apart', () => {
    const titles = routes.map(toTitle)
    assert.equal(new Set(titles).size, routes.length, titles.join('\n'))
    assert.equal(toTitle({ page: 'rollout', id: 'r-1' }), 'Rollout r-1 · Groundswell')
    assert.equal(toTitle({ page: 'fleet', filter: '' }), 'Groundswell')
    assert.equal(toTitle({ page: 'holds' }), 'Holds · Groundswell')
    const of = { kind: 'pullRequest', name: '7' } as const
    assert.equal(toTitle({ page: 'proposal', of }), 'Pull request #7 · Groundswell')
  })

  it('that lead nowhere say so', () => {
    for (const path of [
      '/ui/nope',
      '/ui/clusters/a/b',
      '/ui/rollouts/1/2/3',
      '/ui/%',
      '/ui/applications/a/b',
    ]) {
      assert.deepEqual(parseRoute(path, ''), { page: 'missing', path })
    }
  })
})
