import assert from 'node:assert/strict'
import { it } from 'node:test'
import { namesAny } from '../../../../hub/status/unseen.ts'
import { startSpending } from '../../../support/processor-time.ts'

it('T34: a name is found as a word of its own, in quotes, lists and paths too', () => {
  const names = new Set(['grid', 'web-1'])
  for (const text of [
    'grid',
    'grid: 0 of 1',
    'of shop, grid.',
    '"grid"',
    'a/web-1',
    '-- web-1 --',
  ]) {
    assert.equal(namesAny(text, names), true, text)
  }
  for (const text of ['', 'gridlock', 'my-grid', 'grid-2', 'web', 'web-11', 'Grid']) {
    assert.equal(namesAny(text, names), false, text)
  }
})

it('costs what the text is long, whatever an agent says', () => {
  const spent = startSpending()
  for (const text of [`x${'-'.repeat(30_000)}x`, `${'-'.repeat(30_000)}x`, 'x-'.repeat(15_000)]) {
    assert.equal(namesAny(text, new Set(['grid'])), false)
  }
  assert.ok(spent() < 500)
})
