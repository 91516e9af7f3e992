import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isVersionRange, pickVersion } from '../../../../hub/source/version-range.ts'

const rows: readonly (readonly [string, readonly string[], string | undefined])[] = [
  ['^1.2', ['v1.2.0', 'v1.10.0', 'v1.9.0', 'v2.0.0'], 'v1.10.0'],
  ['1.x', ['1.0.0', 'v1.0.1', 'nightly', 'v1', '1.2'], 'v1.0.1'],
  ['>=1', ['v1.0.0', 'v2.0.0-rc.1'], 'v1.0.0'],
  ['>=2.0.0-0', ['v1.0.0', 'v2.0.0-rc.1', 'v2.0.0-rc.2'], 'v2.0.0-rc.2'],
  ['*', ['v1.0.0', '1.0.0'], '1.0.0'],
  ['*', ['1.0.0+b', '1.0.0+a'], '1.0.0+b'],
  ['*', ['-v1.0.0', 'v1.0.0..', 'x/1.0.0'], undefined],
  ['^3', [], undefined],
]
for (const [range, tags, picked] of rows) {
  test(`${range} of ${tags.join(' ')} is ${picked}`, () => {
    assert.equal(pickVersion(tags, range), picked)
    assert.equal(pickVersion(tags.toReversed(), range), picked)
  })
}

test('what is picked does not hang on the order of the tags', () => {
  const tag = fc
    .tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.constantFrom('', '-rc.1', '+b1'), fc.boolean())
    .map(([a, b, c, rest, v]) => `${v ? 'v' : ''}${a}.${b}.${c}${rest}`)
  fc.assert(
    fc.property(
      fc.array(tag),
      fc.constantFrom('*', '^1', '>=1.0.0-0 <3', '~2.1'),
      (tags, range) => {
        assert.equal(pickVersion(tags.toSorted(), range), pickVersion(tags, range))
      },
    ),
  )
})

for (const range of ['^1.2', '>=1 <3', '1.x || 3', '*', 'v1.2.3']) {
  test(`${range} is a range`, () => assert.ok(isVersionRange(range)))
}
for (const range of ['', ' ', 'latest', '^x.1.y', 'main', `>=1${' '.repeat(200)}`]) {
  test(`${JSON.stringify(range.slice(0, 20))} is none`, () => assert.ok(!isVersionRange(range)))
}
