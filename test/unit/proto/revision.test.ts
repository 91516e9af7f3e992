import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatRevision, parseRevision, shortRevision } from '@groundswell/proto/revision.ts'

const commit = fc.stringMatching(/^[0-9a-f]{40}$/)
const ref = fc.stringMatching(/^[A-Za-z0-9@:/._-]{1,30}$/)

test('a revision reads back as it was written, also when the ref holds @ and :', () => {
  fc.assert(
    fc.property(ref, commit, (ref, commit) => {
      const revision = { ref, commit }
      assert.deepEqual(parseRevision(formatRevision(revision)), revision)
    }),
  )
})

test('short forms keep the ref and seven digits; other text stays as it is', () => {
  const text = `release/1@sha1:${'1234abc'.padEnd(40, '0')}`
  assert.equal(shortRevision(text), 'release/1@sha1:1234abc')
  assert.equal(shortRevision('main'), 'main')
})

test('what is no ref and full commit id is refused', () => {
  const hex = 'a'.repeat(40)
  const wrong = ['', 'main', `@sha1:${hex}`, `main@sha1:${hex.slice(1)}`, `main@sha1:${hex}0`]
  for (const text of [...wrong, `main@sha256:${hex}`, `main@sha1:${hex.toUpperCase()}`]) {
    assert.throws(() => parseRevision(text), TypeError, text)
  }
})
