import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  findIgnored,
  ignoreLimits,
  parseIgnoreRules,
  whyNoPointer,
} from '@groundswell/proto/ignore-rule.ts'
import { parseObjectId } from '@groundswell/proto/object-id.ts'

const web = parseObjectId('apps/Deployment/shop/web')

test('all rules that fit an object count, and a part that is left out fits all', () => {
  const rules = [
    { kind: 'Deployment', jsonPointers: ['/spec/replicas'] },
    { group: 'apps', namespace: 'sh*', managedFieldsManagers: ['scaler'] },
    { group: '', jsonPointers: ['/data'] },
    { name: 'other', jsonPointers: ['/spec'] },
  ]
  assert.deepEqual(findIgnored(rules, web), { pointers: ['/spec/replicas'], managers: ['scaler'] })
  assert.deepEqual(findIgnored(rules, parseObjectId('/ConfigMap/x/a'))?.pointers, ['/data'])
  assert.equal(findIgnored(rules, parseObjectId('batch/Job/x/a')), undefined)
})

test('what names the object is not for ignoring', () => {
  for (const pointer of ['/kind', '/metadata', '/metadata/name', '', 'spec', '/a~2b']) {
    assert.ok(whyNoPointer(pointer), pointer)
  }
  for (const pointer of ['/spec', '/metadata/annotations/a.io~1b', '/data/x~0y']) {
    assert.equal(whyNoPointer(pointer), undefined, pointer)
  }
})

test('rules of a manifest are held to their limits', () => {
  const fine = [{ kind: 'A', jsonPointers: ['/spec'] }]
  assert.equal(parseIgnoreRules(fine), fine)
  const bad: unknown[] = [
    {},
    [null],
    [{ kind: 1 }],
    [{ jsonPointers: '/spec' }],
    [{ jsonPointers: ['/kind'] }],
    [{ managedFieldsManagers: [1] }],
    [{ name: 'x'.repeat(ignoreLimits.text + 1) }],
    Array.from({ length: ignoreLimits.rules + 1 }, () => ({})),
    [{ jsonPointers: Array.from({ length: ignoreLimits.entries + 1 }, () => '/spec') }],
  ]
  for (const value of bad) assert.throws(() => parseIgnoreRules(value), TypeError)
})
