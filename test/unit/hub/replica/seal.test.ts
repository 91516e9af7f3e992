import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createSeal } from '../../../../hub/replica/seal.ts'

const seal = createSeal(Buffer.from('ours'))

it('opens what was sealed with the same secret, and nothing else', () => {
  const sealed = seal.close('{"index":1}')
  assert.equal(createSeal(Buffer.from('ours')).open(sealed), '{"index":1}')
  assert.equal(createSeal(Buffer.from('theirs')).open(sealed), undefined)
  assert.equal(seal.open(sealed.replace('1}', '2}')), undefined)
  assert.equal(seal.open('{"index":1}'), undefined)
  assert.equal(seal.open(''), undefined)
})
