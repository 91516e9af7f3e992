import assert from 'node:assert/strict'
import { it } from 'node:test'
import { findIllFormed } from '../../../../hub/api/well-formed.ts'

it('half a pair of surrogates is found wherever it is, and whole ones are no fault', () => {
  assert.equal(findIllFormed({ a: ['x', { b: '😀' }], c: null, d: 1 }), undefined)
  assert.equal(findIllFormed({ a: ['x', { b: '\ud83d' }] }), '/a/1/b')
  assert.equal(findIllFormed({ labels: { '\udc00': 'x' } }), '/labels')
  assert.equal(findIllFormed('\ude00'), '')
})
