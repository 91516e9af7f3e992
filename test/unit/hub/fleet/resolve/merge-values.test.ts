import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isValues, mergeValues } from '../../../../../hub/fleet/resolve/merge-values.ts'

const key = fc.constantFrom('a', 'b', 'c')
const plain = { noNullPrototype: true }
const { node } = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.constant(null),
    fc.array(fc.integer(), { maxLength: 2 }),
    fc.dictionary(key, tie('node'), plain),
  ),
}))
const values = fc.dictionary(key, node, plain)

function hasNull(value: unknown): boolean {
  return value === null || (isValues(value) && Object.values(value).some(hasNull))
}

test('maps merge, lists replace, null deletes', () => {
  assert.deepEqual(
    mergeValues(
      { image: { tag: '1', name: 'shop' }, hosts: ['a', 'b'], debug: true },
      { image: { tag: '2' }, hosts: ['c'], debug: null },
    ),
    { image: { tag: '2', name: 'shop' }, hosts: ['c'] },
  )
})

test('a map replaces what is no map, and the other way round', () => {
  assert.deepEqual(mergeValues({ a: 1, b: { c: 1 } }, { a: { d: null, e: 1 }, b: 2 }), {
    a: { e: 1 },
    b: 2,
  })
})

test('nothing on either side changes nothing', () => {
  fc.assert(
    fc.property(values, (some) => {
      assert.deepEqual(mergeValues(some, {}), some)
      if (!hasNull(some)) assert.deepEqual(mergeValues({}, some), some)
    }),
  )
})

test('laying the same over twice is laying it over once', () => {
  fc.assert(
    fc.property(values, values, (base, over) => {
      const once = mergeValues(base, over)
      assert.deepEqual(mergeValues(once, over), once)
    }),
  )
})

test('inputs stay as they are', () => {
  fc.assert(
    fc.property(values, values, (base, over) => {
      const before = structuredClone([base, over])
      mergeValues(base, over)
      assert.deepEqual([base, over], before)
    }),
  )
})

test('a __proto__ key never reaches a prototype', () => {
  const over = JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown>
  const merged = mergeValues({}, over)
  assert.equal(merged['polluted'], undefined)
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})
