import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { digestOf, isDigest, parseDigest } from '@groundswell/proto/digest.ts'

test('a digest is the SHA-256 of the bytes, text as UTF-8', () => {
  const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  assert.equal(digestOf(''), empty)
  assert.equal(digestOf(new Uint8Array()), empty)
  assert.equal(digestOf('é'), digestOf(Uint8Array.of(0xc3, 0xa9)))
})

test('every digest that is made can be read, and one changed byte makes another', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), (bytes, at) => {
      const digest = digestOf(bytes)
      assert.equal(parseDigest(digest), digest)
      const changed = Uint8Array.from(bytes)
      changed[at % changed.length]! ^= 1
      assert.notEqual(digestOf(changed), digest)
    }),
  )
})

test('anything that is not exactly a digest is refused', () => {
  const hex = 'a'.repeat(64)
  const wrong = [
    '',
    hex,
    `sha256:${hex.slice(1)}`,
    `sha256:${hex}a`,
    `sha256:${hex.toUpperCase()}`,
    `sha512:${hex}`,
    ` sha256:${hex}`,
    `sha256:${hex}\n`,
    `sha256:${'g'.repeat(64)}`,
    null,
    7,
    [`sha256:${hex}`],
  ]
  for (const value of wrong) {
    assert.equal(isDigest(value), false, JSON.stringify(value))
    assert.throws(() => parseDigest(value), TypeError)
  }
})
