import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hashProjection, matchesHash, saltOf } from '../../../../agent/observe/fields.ts'

const projection = [['f:data\u001ff:pin', 'sha256:of-a-short-one']] as const

describe('hashes of an inventory', () => {
  it('I10 of a Secret say nothing without the agent’s salt', () => {
    const salt = saltOf('Secret', Buffer.from('salt'))
    const hash = hashProjection(projection, salt)
    assert.notEqual(hash, hashProjection(projection))
    assert.notEqual(hash, hashProjection(projection, Buffer.from('other')))
    assert.ok(matchesHash(projection, hash, false, salt))
    assert.ok(!matchesHash(projection, hash, false))
  })

  it('of all else are the same for every agent', () => {
    assert.equal(saltOf('ConfigMap', Buffer.from('salt')), undefined)
  })
})
