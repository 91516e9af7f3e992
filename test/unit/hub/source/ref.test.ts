import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRefName, qualifyRef } from '../../../../hub/source/ref.ts'

for (const name of ['main', 'release/1.2', 'v1.0.0', 'a@b', 'feature_x-1', 'ä', '0'.repeat(40)]) {
  test(`${JSON.stringify(name)} is a ref name`, () => assert.ok(isRefName(name)))
}

// bad input B12, B22.
const bad = [
  '',
  '-x',
  '--upload-pack=x',
  'a/-b',
  'refs/../../x',
  'a..b',
  'a b',
  'a\n',
  'a:b',
  'a~1',
  'a^',
  'a?',
  'a*',
  'a[',
  'a\\b',
  '@',
  'a@{1}',
  '/a',
  'a/',
  'a//b',
  '.a',
  'a/.b',
  'a.',
  'a.lock',
  'a.lock/b',
  'a'.repeat(256),
]
for (const name of bad) {
  test(`B12, B22: ${JSON.stringify(name.slice(0, 20))} is no ref name`, () => {
    assert.equal(isRefName(name), false)
    for (const [word, ref] of [
      ['branch', { branch: name }],
      ['tag', { tag: name }],
    ] as const) {
      const message = `not a ${word} name: ${JSON.stringify(name)}`
      assert.throws(() => qualifyRef(ref), { code: 'source_refused', message })
    }
  })
}

test('B12: refs are fully qualified, so a branch called like a commit stays a branch', () => {
  const hex = 'a'.repeat(40)
  assert.equal(qualifyRef({ branch: hex }).remote, `refs/heads/${hex}`)
  assert.equal(qualifyRef({ tag: 'v1' }).remote, 'refs/tags/v1')
  assert.equal(qualifyRef({ commit: hex }).remote, hex)
  const message = 'a commit is 40 lower-case hex digits'
  for (const commit of ['HEAD', '-x', 'A'.repeat(40), 'a'.repeat(39)]) {
    assert.throws(() => qualifyRef({ commit }), { code: 'source_refused', message })
  }
})

test('two names never share a place in the mirror, nor does one hold another', () => {
  const locals = ['a', 'a/b', 'A', 'a-b'].map((branch) => qualifyRef({ branch }).local)
  assert.equal(new Set(locals).size, 4)
  assert.ok(locals.every((local) => local.split('/').length === 4))
})
