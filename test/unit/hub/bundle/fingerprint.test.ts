import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fingerprintIds } from '../../../../hub/bundle/fingerprint.ts'

const named = (targetNamespace: string, ...ids: string[]) => ({
  targetNamespace,
  objects: ids.map((id) => ({ id })),
})

describe('ids of a manifest’s objects', () => {
  it('have a fingerprint, which their order does not change and all else does', () => {
    const [a, b] = ['/ConfigMap//a', '/ConfigMap//b']
    const prints = [named('shop', a, b), named('shop', a), named('other', a, b), named('shop')]
    assert.equal(new Set(prints.map(fingerprintIds)).size, prints.length)
    assert.equal(fingerprintIds(named('shop', b, a)), fingerprintIds(prints[0]!))
    assert.match(fingerprintIds(prints[0]!), /^[0-9a-f]{32}$/)
  })
})
