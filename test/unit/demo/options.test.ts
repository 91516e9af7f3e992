import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions } from '../../demo/options.ts'

test('without words it waits, on local clusters', () => {
  assert.deepEqual(parseOptions([]), { once: false, contexts: [], help: false })
})

test('contexts keep their order: the first is the canary', () => {
  const { once, contexts } = parseOptions(['--once', '--context', 'b', '--context=a'])
  assert.equal(once, true)
  assert.deepEqual(contexts, ['b', 'a'])
})

test('a context given twice is refused: one cluster cannot be two', () => {
  assert.throws(() => parseOptions(['--context', 'a', '--context', 'a']), /a: named twice/)
})

test('an unknown word is refused', () => {
  assert.throws(() => parseOptions(['--onec']), /--onec/)
})
