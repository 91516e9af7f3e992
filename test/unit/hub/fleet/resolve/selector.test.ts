import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { LabelSelector } from '../../../../../hub/fleet/kinds/fields.ts'
import {
  findSelectorFaults,
  matchesSelector,
  whyBadLabel,
} from '../../../../../hub/fleet/resolve/selector.ts'

const labels = { region: 'eu', tier: 'gold', empty: '' }
type Operator = NonNullable<LabelSelector['matchExpressions']>[number]['operator']
const by = (key: string, operator: Operator, values?: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, ...(values ? { values } : {}) }],
})

// Kubernetes: apimachinery/pkg/labels/selector.go, Requirement.Matches.
const table: readonly (readonly [string, LabelSelector, boolean])[] = [
  ['an empty selector matches everything', {}, true],
  ['an equal label', { matchLabels: { region: 'eu' } }, true],
  ['another value', { matchLabels: { region: 'us' } }, false],
  ['an absent label', { matchLabels: { zone: 'a' } }, false],
  ['an empty value is a value', { matchLabels: { empty: '' } }, true],
  ['an absent label is not an empty one', { matchLabels: { zone: '' } }, false],
  ['a name every object inherits', { matchLabels: { constructor: 'x' } }, false],
  ['In holds', by('region', 'In', ['us', 'eu']), true],
  ['In does not hold', by('region', 'In', ['us']), false],
  ['In never holds where the label is absent', by('zone', 'In', ['a']), false],
  ['NotIn does not hold', by('region', 'NotIn', ['eu']), false],
  ['NotIn holds', by('region', 'NotIn', ['us']), true],
  ['NotIn holds where the label is absent', by('zone', 'NotIn', ['a']), true],
  ['Exists with an empty value', by('empty', 'Exists'), true],
  ['Exists where absent', by('zone', 'Exists'), false],
  ['Exists is not fooled by inherited names', by('toString', 'Exists'), false],
  ['DoesNotExist', by('zone', 'DoesNotExist'), true],
  ['DoesNotExist where present', by('region', 'DoesNotExist'), false],
  ['all must hold', { matchLabels: { region: 'eu' }, ...by('tier', 'In', ['silver']) }, false],
]

for (const [name, selector, expected] of table) {
  test(`matchesSelector: ${name}`, () => {
    assert.equal(matchesSelector(selector, labels), expected)
  })
}

const key = fc.constantFrom('a', 'b', 'c')
const value = fc.constantFrom('', '1', '2')
const anyLabels = fc.dictionary(key, value, { noNullPrototype: true })

test('NotIn is the opposite of In, and DoesNotExist of Exists, for all labels', () => {
  fc.assert(
    fc.property(anyLabels, key, fc.array(value, { minLength: 1 }), (labels, key, values) => {
      const holds = (operator: Operator, given?: string[]) =>
        matchesSelector(by(key, operator, given), labels)
      return (
        holds('In', values) !== holds('NotIn', values) && holds('Exists') !== holds('DoesNotExist')
      )
    }),
  )
})

test('one more condition never makes a selector match more', () => {
  const expression = fc.record({
    key,
    operator: fc.constantFrom<Operator>('In', 'NotIn', 'Exists', 'DoesNotExist'),
    values: fc.array(value),
  })
  fc.assert(
    fc.property(anyLabels, fc.array(expression), expression, (labels, few, extra) => {
      const wide = matchesSelector({ matchExpressions: few }, labels)
      const narrow = matchesSelector({ matchExpressions: [...few, extra] }, labels)
      return wide || !narrow
    }),
  )
})

test('matchLabels is In with one value', () => {
  fc.assert(
    fc.property(
      anyLabels,
      key,
      value,
      (labels, key, value) =>
        matchesSelector({ matchLabels: { [key]: value } }, labels) ===
        matchesSelector(by(key, 'In', [value]), labels),
    ),
  )
})

test('findSelectorFaults finds all that Kubernetes would refuse', () => {
  const faults = findSelectorFaults({
    matchLabels: { '-a': 'x' },
    matchExpressions: [
      { key: 'a', operator: 'NotIn' },
      { key: 'a b', operator: 'Exists', values: ['x'] },
    ],
  })
  assert.deepEqual(
    faults.map(({ path }) => path.join('.')),
    [
      'matchLabels.-a',
      'matchExpressions.0.operator',
      'matchExpressions.1.values',
      'matchExpressions.1.key',
    ],
  )
})

test('whyBadLabel takes qualified names and 63 characters, and no more', () => {
  assert.equal(whyBadLabel('example.com/tier', 'Gold_1.2-x'), undefined)
  assert.equal(whyBadLabel('a'.repeat(63), 'b'.repeat(63)), undefined)
  for (const [key, value] of [
    ['a'.repeat(64), ''],
    ['Example.com/x', ''],
    ['/x', ''],
    ['a/b/c', ''],
    ['', ''],
    ['x', 'b'.repeat(64)],
    ['x', 'a b'],
  ] as const) {
    assert.ok(whyBadLabel(key, value), `${key}=${value}`)
  }
})
