import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { parseStrictJson, strictDepth } from '@groundswell/proto/strict-json.ts'

const parse = (text: string): unknown => parseStrictJson(Buffer.from(text))

/** Values that a statement could hold. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 4 }), tie('value'), { maxKeys: 4 }),
  ),
}))

describe('parseStrictJson', () => {
  it('reads back whatever canonical JSON can hold', () => {
    fc.assert(
      fc.property(value, (given) => {
        const text = canonicalJson(given as never)
        assert.equal(canonicalJson(parse(text) as never), text)
      }),
    )
  })

  it('B49 refuses a member that is there twice, at any depth and however it is spelt', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 6, unit: 'binary' }).filter((text) => text.isWellFormed()),
        value,
        fc.integer({ min: 0, max: 20 }),
        (name, given, depth) => {
          const text = canonicalJson(given as never)
          const spelt = name
            .split('')
            .map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
          const twice = `{${JSON.stringify(name)}:${text} , "${spelt.join('')}":[{"a":1}]}`
          const nested = `${'{"x":["y",'.repeat(depth)}${twice}${']}'.repeat(depth)}`
          assert.doesNotThrow(() => JSON.parse(nested))
          assert.throws(() => parse(nested), /twice/)
        },
      ),
    )
  })

  it('lets the same member stand in two objects, and as a value', () => {
    assert.deepEqual(parse('[{"a":"a"},{"a":["a","a"]},{"b":{"a":1},"a":2}]'), [
      { a: 'a' },
      { a: ['a', 'a'] },
      { b: { a: 1 }, a: 2 },
    ])
  })

  it('refuses nesting beyond its bound', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
    assert.doesNotThrow(() => parse(nested(strictDepth)))
    assert.throws(() => parse(nested(strictDepth + 1)), /nested/)
    assert.throws(() => parse(nested(200_000)), /nested/)
  })

  for (const text of ['1.0', '1e3', '-0', '[0.5]', '{"a":1E2}', '1e400']) {
    it(`B53 refuses ${text}: one number has one spelling`, () => {
      assert.throws(() => parse(text), /integer/)
    })
  }

  for (const text of [
    String.raw`"\ud800"`,
    String.raw`["a\udc00"]`,
    String.raw`{"a":"\udc00\ud800"}`,
    String.raw`{"\ud800":1,"\ud801":2}`,
  ]) {
    it(`refuses ${text}: half of a surrogate pair is read in two ways`, () => {
      assert.doesNotThrow(() => JSON.parse(text))
      assert.throws(() => parse(text), /surrogate/)
    })
  }

  it('reads a pair in escapes, and what only looks like half of one', () => {
    assert.deepEqual(parse(String.raw`["\ud83d\ude00","\\ud800"]`), ['😀', String.raw`\ud800`])
  })

  it('refuses a byte order mark, UTF-8 that is none, and what is not JSON', () => {
    const texts = ['\ufeff{}', '', '{', "{'a':1}", '{"a":1,}', 'NaN', '01', '{}{}']
    for (const text of texts) assert.throws(() => parse(text), text)
    assert.throws(() => parseStrictJson(Uint8Array.of(0x22, 0xff, 0x22)))
  })
})
