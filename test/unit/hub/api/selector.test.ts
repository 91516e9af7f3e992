import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { formatSelector, parseSelector } from '../../../../hub/api/selector.ts'
import { HubError } from '../../../../hub/errors.ts'
import { matchesSelector } from '../../../../hub/fleet/resolve/selector.ts'
import { startSpending } from '../../../support/processor-time.ts'

const labels = { env: 'prod', region: 'eu-1', 'example.com/tier': 'gold', empty: '' }

describe('parseSelector', () => {
  const cases: [string, boolean][] = [
    ['', true],
    ['env=prod', true],
    ['env==prod', true],
    ['env=dev', false],
    ['env!=dev', true],
    ['missing!=dev', true],
    ['env', true],
    ['!env', false],
    ['!missing', true],
    ['region in (us-1, eu-1)', true],
    ['region notin (eu-1)', false],
    ['missing notin (a)', true],
    ['env=prod,region in (eu-1,eu-2),!legacy', true],
    ['env=prod,region in (us-1)', false],
    ['example.com/tier=gold', true],
    ['empty=', true],
    ['missing=', false],
  ]
  for (const [text, expected] of cases) {
    it(`${JSON.stringify(text)} ${expected ? 'selects' : 'leaves out'} the cluster`, () => {
      assert.equal(parseSelector(text)(labels), expected)
    })
  }

  it('does not take inherited members for labels', () => {
    assert.equal(parseSelector('constructor')({}), false)
    assert.equal(parseSelector('!constructor')({}), true)
  })

  for (const text of [',', 'a=b,', 'env>3', 'region in eu', 'region in ((a)', 'a b', '=x', 'in ()'])
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseSelector(text), { name: 'HubError', code: 'invalid' })
    })

  it('refuses more parts than the limit', () => {
    assert.throws(() => parseSelector(Array(33).fill('a').join(',')), /more than 32 parts/)
  })

  it('refuses at once a list of nothing but spaces that does not end (B76)', () => {
    // Each of them is tried in two ways where it is matched: 28 took seconds, 45 a day.
    const text = `a in (${' ,'.repeat(28)}!)`
    const spent = startSpending()
    assert.throws(() => parseSelector(text), { name: 'HubError', code: 'invalid' })
    assert.ok(spent() < 500)
  })

  it('either selects or refuses with `invalid`, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        try {
          assert.equal(typeof parseSelector(text)(labels), 'boolean')
        } catch (error) {
          assert(error instanceof HubError && error.code === 'invalid')
        }
      }),
    )
  })

  it('reads the longest hostile text in a moment', () => {
    const spent = startSpending()
    for (const part of ['a', 'a ', '(', 'a in (', ' ,', 'a-']) {
      assert.doesNotThrow(() => {
        try {
          parseSelector(part.repeat(1_024).slice(0, 1_024))
        } catch (error) {
          if (!(error instanceof HubError)) throw error
        }
      })
    }
    assert(spent() < 500)
  })
})

describe('formatSelector', () => {
  it('writes what is read back as the same selector', () => {
    const key = fc.constantFrom('env', 'region', 'example.com/tier', 'gone')
    const value = fc.constantFrom('prod', 'eu-1', 'gold', '')
    const values = fc.array(value, { minLength: 1, maxLength: 3 })
    const expression = fc.oneof(
      fc.record({ key, operator: fc.constantFrom('In', 'NotIn'), values }),
      fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
    )
    const selector = fc.record(
      {
        matchLabels: fc.dictionary(key, value, { maxKeys: 3 }),
        matchExpressions: fc.array(expression, { maxLength: 3 }),
      },
      { requiredKeys: [] },
    )
    const own = fc.dictionary(key, value)
    fc.assert(
      fc.property(selector, own, (written, labels) => {
        const text = formatSelector(written)
        assert.equal(parseSelector(text)(labels), matchesSelector(written, labels), text)
      }),
      { numRuns: 1_000 },
    )
  })
})
