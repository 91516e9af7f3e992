import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { renderInputDigest } from '../../../../hub/render/input.ts'
import { renderInput } from '../../../support/render-input.ts'

const version = `sha256:${'0'.repeat(64)}`

test('the same values digest the same, whatever the order of their keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (values) => {
      const reversed = Object.fromEntries(Object.entries(values).reverse())
      assert.equal(
        renderInputDigest(renderInput({ kind: 'helm', helm: { values } }), version),
        renderInputDigest(renderInput({ kind: 'helm', helm: { values: reversed } }), version),
      )
    }),
  )
})

test('different values digest differently', () => {
  const spelled = (value: unknown) => JSON.stringify(JSON.parse(JSON.stringify(value)))
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      fc.pre(spelled(a) !== spelled(b) && typeof a !== 'object' && typeof b !== 'object')
      const digest = (value: unknown) =>
        renderInputDigest(renderInput({ kind: 'helm', helm: { values: { value } } }), version)
      assert.notEqual(digest(a), digest(b))
    }),
  )
})

test('everything the render may depend on changes the digest', () => {
  const base = renderInput({ kind: 'helm' })
  const digests = [
    renderInputDigest(base, version),
    renderInputDigest(base, 'another engine'),
    ...[
      renderInput({ kind: 'directory' }),
      renderInput({ kind: 'kustomize' }),
      renderInput({ kind: 'helm', treeId: 'other' }),
      renderInput({ kind: 'helm', path: 'a' }),
      renderInput({ kind: 'helm', namespace: 'a' }),
      renderInput({ kind: 'helm', createNamespace: true }),
      renderInput({ kind: 'helm', patches: [{ patch: 'x' }] }),
      renderInput({ kind: 'helm', helm: { releaseName: 'a' } }),
      renderInput({ kind: 'helm', helm: { values: { a: 1.5 } } }),
      renderInput({ kind: 'helm', helm: { values: { a: '1.5' } } }),
      renderInput({ kind: 'helm', helm: { values: { a: null } } }),
      renderInput({ kind: 'helm', helm: { valuesFiles: ['a', 'b'] } }),
      renderInput({ kind: 'helm', helm: { valuesFiles: ['b', 'a'] } }),
      renderInput({ kind: 'helm', helm: { kubeVersion: '1.35.4' } }),
      renderInput({ kind: 'helm', helm: { apiVersions: ['x/v1'] } }),
    ].map((input) => renderInputDigest(input, version)),
  ]
  assert.equal(new Set(digests).size, digests.length)
})

test('what a kind of source does not read does not split the cache', () => {
  const digest = (input: Parameters<typeof renderInput>[0]) =>
    renderInputDigest(renderInput(input), version)
  assert.equal(
    digest({ kind: 'kustomize', helm: { values: { a: 1 } }, directory: { recurse: true } }),
    digest({ kind: 'kustomize' }),
  )
  assert.notEqual(digest({ directory: { recurse: true } }), digest({}))
})

test('values without a JSON spelling are refused', () => {
  const self: Record<string, unknown> = {}
  self['self'] = self
  for (const value of [Number.NaN, Infinity, 1n, () => 1, Symbol('x'), self]) {
    const input = renderInput({ kind: 'helm', helm: { values: { value } } })
    assert.throws(() => renderInputDigest(input, version), TypeError)
  }
})
