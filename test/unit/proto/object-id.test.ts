import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  describeObject,
  formatObjectId,
  groupOf,
  parseObjectId,
} from '@groundswell/proto/object-id.ts'

const part = fc.stringMatching(/^[A-Za-z0-9.:-]{0,20}$/)
const word = fc.stringMatching(/^[A-Za-z0-9.:-]{1,20}$/)

test('an id reads back as it was written', () => {
  fc.assert(
    fc.property(
      fc.record(
        { group: part, kind: word, namespace: part, name: word },
        { noNullPrototype: true },
      ),
      (id) => assert.deepEqual(parseObjectId(formatObjectId(id)), id),
    ),
  )
})

test('what has not four parts, a kind and a name is no id', () => {
  for (const text of ['', 'a', '/Pod/x', 'apps//ns/web', 'apps/Deployment/ns/', 'a/b/c/d/e']) {
    assert.throws(() => parseObjectId(text), TypeError, text)
  }
  assert.deepEqual(parseObjectId('/Namespace//shop'), {
    group: '',
    kind: 'Namespace',
    namespace: '',
    name: 'shop',
  })
})

test('the group is what stands before the slash, and people read kind and name', () => {
  assert.equal(groupOf('apps/v1'), 'apps')
  assert.equal(groupOf('v1'), '')
  const web = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }
  assert.equal(describeObject(web), 'Deployment shop/web')
  assert.equal(describeObject({ ...web, kind: 'Namespace', namespace: '' }), 'Namespace web')
})
