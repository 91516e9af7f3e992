import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import {
  encodeManifest,
  type Manifest,
  manifestLimits,
  parseManifest,
} from '@groundswell/proto/manifest.ts'

const object = {
  id: 'apps/Deployment/shop/web',
  apiVersion: 'apps/v1',
  digest: digestOf('web'),
  size: 3,
  file: 'web.yaml',
}
const manifest: Manifest = {
  v: 1,
  application: 'shop',
  targetNamespace: 'shop',
  prune: { enabled: true, allowEmpty: false },
  drift: 'correct',
  deletionPolicy: 'Delete',
  ignore: [{ kind: 'Deployment', jsonPointers: ['/spec/replicas'] }],
  healthChecks: [{ apiVersion: 'a.io/v1', kind: 'A', current: 'status.ready' }],
  objects: [object],
}

const parse = (value: unknown) => parseManifest(Buffer.from(JSON.stringify(value)))

describe('parseManifest', () => {
  test('reads back what encodeManifest wrote', () => {
    assert.deepEqual(parseManifest(Buffer.from(encodeManifest(manifest))), manifest)
  })

  const broken: Readonly<Record<string, readonly unknown[]>> = {
    v: [undefined, 0, 2, '1'],
    application: [undefined, '', 7, null],
    targetNamespace: [undefined, 7, null],
    prune: [undefined, null, true, [], { enabled: true }, { enabled: 1, allowEmpty: false }],
    drift: [undefined, '', 'Correct', null],
    deletionPolicy: [undefined, 'delete', '', null],
    ignore: [null, {}, [{ jsonPointers: [1] }]],
    healthChecks: [null, {}, [{ kind: 'A' }]],
    objects: [
      undefined,
      {},
      null,
      Array.from({ length: manifestLimits.objects + 1 }, () => object),
    ],
  }
  for (const [member, values] of Object.entries(broken)) {
    test(`refuses a wrong ${member}, and names it`, () => {
      const words = member === 'v' ? /^manifest: version/ : new RegExp(`^manifest: ${member}$`)
      for (const value of values) {
        assert.throws(() => parse({ ...manifest, [member]: value }), {
          name: 'TypeError',
          message: words,
        })
      }
    })
  }

  const brokenObject: Readonly<Record<string, readonly unknown[]>> = {
    id: [undefined, 7, 'web', 'a/b/c', 'a/b/c/d/e'],
    apiVersion: [undefined, 1],
    digest: [undefined, '', 'sha256:', digestOf('x').toUpperCase()],
    size: [undefined, '3', -1, 1.5, 2 ** 60, manifestLimits.objectBytes + 1],
    file: [undefined, null],
  }
  for (const [member, values] of Object.entries(brokenObject)) {
    test(`refuses an object with a wrong ${member}`, () => {
      for (const value of values) {
        const objects = [{ ...object, [member]: value }]
        assert.throws(() => parse({ ...manifest, objects }), /an object entry is malformed/)
      }
    })
  }

  test('refuses an object listed twice', () => {
    assert.throws(() => parse({ ...manifest, objects: [object, object] }), /web is listed twice/)
  })

  test('refuses what is no JSON object, and bytes over the limit before reading them', () => {
    for (const text of ['', '{', '[]', 'null', '"x"', '7']) {
      assert.throws(() => parseManifest(Buffer.from(text)), TypeError, text)
    }
    assert.throws(() => parseManifest(Uint8Array.of(0x22, 0xff, 0x22)), TypeError)
    const large = Buffer.alloc(manifestLimits.bytes + 1, 0x20)
    assert.throws(() => parseManifest(large), /larger than 1 MiB/)
  })
})
