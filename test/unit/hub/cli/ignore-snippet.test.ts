import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { whyNoPointer } from '@groundswell/proto/ignore-rule.ts'
import { writeIgnoreSnippet } from '../../../../hub/cli/ignore-snippet.ts'

const field = (path: string) => ({ path, desired: '2', live: '7', manager: 'keda' })
const drift = (object: string, ...paths: string[]) => ({
  object,
  missing: false,
  firstSeen: '2026-01-01T00:00:00.000Z',
  fields: paths.map(field),
})
const web = drift('apps/Deployment/shop/web', '/spec/replicas', '/spec/template/spec/x')
const all = [
  web,
  drift('/ConfigMap/shop/web', '/data/a.b~1c'),
  drift('/Namespace//shop', '/metadata/labels/x'),
]

describe('writeIgnoreSnippet', () => {
  it('names the object and all that differs', () => {
    const { text } = writeIgnoreSnippet(all, 'apps/Deployment/shop/web')
    assert.deepEqual(parse(text), {
      ignoreDifferences: [
        {
          group: 'apps',
          kind: 'Deployment',
          namespace: 'shop',
          name: 'web',
          jsonPointers: ['/spec/replicas', '/spec/template/spec/x'],
        },
      ],
    })
  })

  it('takes kind/name or a name, and a field at or above what differs', () => {
    assert.deepEqual(writeIgnoreSnippet(all, 'deployment/web', '/spec').pointers, ['/spec'])
    const { text, pointers } = writeIgnoreSnippet(all, 'shop')
    assert.deepEqual(parse(text), {
      ignoreDifferences: [{ group: '', kind: 'Namespace', name: 'shop', jsonPointers: pointers }],
    })
    for (const pointer of writeIgnoreSnippet(all, 'configmap/web').pointers) {
      assert.equal(whyNoPointer(pointer), undefined)
    }
  })

  it('says what does differ where it cannot find what was asked for', () => {
    assert.throws(() => writeIgnoreSnippet(all, 'web'), {
      message: '"web" fits several objects; give one of these',
      lines: ['apps/Deployment/shop/web', '/ConfigMap/shop/web'],
    })
    assert.throws(() => writeIgnoreSnippet(all, 'other'), { message: /does not differ; these do/ })
    assert.throws(() => writeIgnoreSnippet([], 'web'), { message: 'nothing differs there' })
    assert.throws(() => writeIgnoreSnippet([web], 'web', '/spec/rep'), {
      lines: ['/spec/replicas', '/spec/template/spec/x'],
    })
    assert.throws(() => writeIgnoreSnippet([web], 'web', 'spec'), { exitCode: 2 })
    const gone = { ...web, missing: true, fields: [] }
    assert.throws(() => writeIgnoreSnippet([gone], 'web'), { message: /is missing/ })
    const dark = { ...web, fields: [field('')] }
    assert.throws(() => writeIgnoreSnippet([dark], 'web'), {
      message: /cannot tell in which field/,
    })
  })
})
