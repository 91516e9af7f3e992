import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fingerprintIds, listPlaces, listSpellings } from '../../../../hub/bundle/object-ids.ts'

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

  it('have a fingerprint, which their order does not change and all else does', () => {
    const [a, b] = ['/ConfigMap//a', '/ConfigMap//b']
    const prints = [named('shop', a, b), named('shop', a), named('other', a, b), named('shop')]
    assert.equal(new Set(prints.map(fingerprintIds)).size, prints.length)
    assert.equal(fingerprintIds(named('shop', b, a)), fingerprintIds(prints[0]!))
    assert.match(fingerprintIds(prints[0]!), /^[0-9a-f]{32}$/)
  })
})
