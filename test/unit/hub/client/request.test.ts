import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TooManyPages, buildRequest, readPages } from '../../../../hub/client/request.ts'
import type { RevisionView } from '../../../../hub/client/gen/api.ts'

describe('a request', () => {
  it('fills the path, and leaves out of the query what is undefined', () => {
    const query = { limit: 5, selector: 'env=prod,region in (a,b)', continue: undefined }
    assert.deepEqual(buildRequest('listClusters', { query }), {
      method: 'GET',
      path: '/api/v1/clusters?limit=5&selector=env%3Dprod%2Cregion%20in%20(a%2Cb)',
      body: undefined,
    })
    assert.deepEqual(
      buildRequest('listObjects', { path: { name: 'edge-1', application: 'shop' } }).path,
      '/api/v1/clusters/edge-1/applications/shop/objects',
    )
  })

  it('keeps a name within its step of the path', () => {
    const { path } = buildRequest('getCluster', { path: { name: '../tokens?x=1#' } })
    assert.equal(path, '/api/v1/clusters/..%2Ftokens%3Fx%3D1%23')
  })

  it('has the method and body of its operation', () => {
    const asked = { path: { id: 'r-1' }, body: { cluster: 'a' } }
    assert.deepEqual(buildRequest('skipCluster', asked), {
      method: 'POST',
      path: '/api/v1/rollouts/r-1/skip',
      body: { cluster: 'a' },
    })
  })
})

describe('pages', () => {
  const revision = (rollout: string): RevisionView => ({
    ...{ revision: 'r', contentDigest: 'd', rollout, phase: 'Succeeded', createdAt: '' },
    clusters: 0,
  })
  const pages = [['a', 'b'], ['c']]
  const ask = async (more: { readonly continue?: string }) => {
    const at = Number(more.continue ?? 0)
    const next = at + 1 < pages.length ? String(at + 1) : null
    return { items: pages[at]!.map(revision), continue: next }
  }

  it('are read to the last', async () => {
    const items = await readPages<'listRevisions'>(ask, { limit: 2, mostPages: 2 })
    assert.deepEqual(
      items.map(({ rollout }) => rollout),
      ['a', 'b', 'c'],
    )
  })

  it('are read no further than was meant', async () => {
    await assert.rejects(
      readPages<'listRevisions'>(ask, { limit: 2, mostPages: 1 }),
      new TooManyPages('more than 2 of them'),
    )
  })
})
