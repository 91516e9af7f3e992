import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { matchesGlob } from '@groundswell/proto/glob.ts'
import { startSpending } from '../../support/processor-time.ts'

describe('matchesGlob', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['team-a', 'team-a', true],
    ['team-a', 'team-ab', false],
    ['team-a-*', 'team-a-', true],
    ['team-a-*', 'team-a-dev', true],
    ['team-a-*', 'team-b-dev', false],
    ['*', '', true],
    ['*', 'a/b', false],
    ['**', 'a/b', true],
    ['https://git.example/a/*', 'https://git.example/a/web.git', true],
    ['https://git.example/a/*', 'https://git.example/a/b/web.git', false],
    ['https://git.example/a/**', 'https://git.example/a/b/web.git', true],
    ['https://*.example/a', 'https://evil.test/x.example/a', false],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['a.c', 'abc', false],
    ['[ab]', 'a', false],
    ['(a+)+$', 'aaaa', false],
    ['', '', true],
    ['', 'a', false],
    ['?', '😀', true],
  ]
  for (const [pattern, text, matches] of cases) {
    test(`${JSON.stringify(pattern)} ${matches ? 'is' : 'is not'} ${JSON.stringify(text)}`, () => {
      assert.equal(matchesGlob(pattern, text), matches)
    })
  }

  test('decides as a regular expression made of the pattern would', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '/', '*', '**', '?'), { maxLength: 8 })
    const texts = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 8 })
    fc.assert(
      fc.property(letters, texts, (parts, text) => {
        const pattern = parts.join('')
        const words = { '**': '[^]*', '*': '[^/]*', '?': '[^/]' } as Record<string, string>
        const source = (pattern.match(/\*\*|[^]/g) ?? []).map((part) => words[part] ?? part)
        const expected = new RegExp(`^${source.join('')}$`).test(text.join(''))
        assert.equal(matchesGlob(pattern, text.join('')), expected)
      }),
      { numRuns: 2_000 },
    )
  })

  test('B66, B76: a pattern made to be slow is not', () => {
    const spent = startSpending()
    assert.equal(matchesGlob(`${'*a'.repeat(128)}b`, 'a'.repeat(2_000)), false)
    assert.ok(spent() < 2_000)
  })
})
