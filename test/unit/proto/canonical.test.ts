import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, type Json } from '@groundswell/proto/canonical.ts'

const { value: json } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value')),
    fc.dictionary(fc.string(), tie('value')),
  ),
}))

/** The same value with the members of every object the other way round. */
function turnAround(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(turnAround)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value as Record<string, Json>).reverse()
  return Object.fromEntries(entries.map(([key, member]) => [key, turnAround(member)]))
}

test('the same value has one spelling, whatever the order of its members', () => {
  fc.assert(
    fc.property(json, (value) => {
      assert.equal(canonicalJson(turnAround(value)), canonicalJson(value))
    }),
  )
})

test('what was spelled reads back as the same value and is spelled the same again', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value)
      const back = JSON.parse(text) as Json
      assert.deepEqual(back, JSON.parse(JSON.stringify(value)))
      assert.equal(canonicalJson(back), text)
    }),
  )
})

test('different values are spelled differently', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      const same = canonicalJson(a) === canonicalJson(b)
      fc.pre(!same)
      assert.notDeepEqual(JSON.parse(canonicalJson(a)), JSON.parse(canonicalJson(b)))
    }),
  )
})

test('keys go by code unit, and absent members are left out', () => {
  assert.equal(
    canonicalJson({ b: 1, a: undefined, B: [true, null], é: 'x', '\u{1f600}': 0, '\uffff': 1 }),
    '{"B":[true,null],"b":1,"é":"x","\u{1f600}":0,"\uffff":1}',
  )
})

test('numbers without a single spelling are refused at any depth', () => {
  for (const number of [0.5, 1e21, 2 ** 53, NaN, Infinity, -Infinity]) {
    assert.throws(() => canonicalJson(number), TypeError, String(number))
    assert.throws(() => canonicalJson({ a: [{ b: number }] }), TypeError, String(number))
  }
})
