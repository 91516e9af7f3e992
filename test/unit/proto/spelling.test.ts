import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { listPlaces, listSpellings } from '../../../proto/spelling.ts'

const named = (targetNamespace: string, ...ids: string[]) => ({
  targetNamespace,
  objects: ids.map((id) => ({ id })),
})

describe('ids of a manifest’s objects', () => {
  it('without a namespace may be of the application’s, or of no namespace at all', () => {
    const manifest = named('shop', '/ConfigMap//a', 'apps/Deployment/other/web')
    assert.deepEqual(
      [...listSpellings(manifest)],
      ['/ConfigMap//a', 'apps/Deployment/other/web', '/ConfigMap/shop/a'],
    )
    assert.deepEqual(listPlaces(manifest), ['/ConfigMap/shop/a', 'apps/Deployment/other/web'])
  })

  it('are as they are where the application has no namespace', () => {
    const manifest = named('', '/ConfigMap//a')
    assert.deepEqual([...listSpellings(manifest)], ['/ConfigMap//a'])
    assert.deepEqual(listPlaces(manifest), ['/ConfigMap//a'])
  })
})
