import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { digestOf } from '@groundswell/proto/digest.ts'
import { manifestLimits, parseManifest } from '@groundswell/proto/manifest.ts'
import { formatObjectId } from '@groundswell/proto/object-id.ts'
import { type BundleOptions, buildBundle } from '../../../../hub/bundle/build.ts'
import { type Fault, HubError } from '../../../../hub/errors.ts'
import type { RenderedObject } from '../../../../hub/render/engine.ts'

const options: BundleOptions = {
  application: 'shop',
  targetNamespace: 'shop',
  prune: true,
  allowEmpty: false,
  drift: 'correct',
  deletionPolicy: 'Delete',
}

function configMap(name: string, text = '', file = `${name}.yaml`): RenderedObject {
  return {
    id: { group: '', kind: 'ConfigMap', namespace: 'shop', name },
    apiVersion: 'v1',
    json: JSON.stringify({ metadata: { name }, text }),
    file,
  }
}

function faultsOf(objects: readonly RenderedObject[], given = options): readonly Fault[] {
  try {
    buildBundle(objects, given)
  } catch (error) {
    assert.ok(error instanceof HubError && error.code === 'render_failed')
    return error.faults
  }
  return assert.fail('a bundle was built')
}

const objects = fc
  .uniqueArray(fc.record({ name: fc.stringMatching(/^[A-Za-z0-9.-]{1,12}$/), text: fc.string() }), {
    selector: ({ name }) => name,
    minLength: 1,
  })
  .map((list) => list.map(({ name, text }) => configMap(name, text)))

describe('buildBundle', () => {
  test('I11 the same objects in any order give the same bytes', () => {
    fc.assert(
      fc.property(
        objects.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
        ),
        ([list, shuffled]) => {
          assert.deepEqual(buildBundle(shuffled, options), buildBundle(list, options))
        },
      ),
    )
  })

  test('every blob is named by its bytes, and the manifest lists each object once, sorted', () => {
    fc.assert(
      fc.property(objects, (list) => {
        const { manifest, objects: blobs } = buildBundle(list, options)
        for (const { digest, bytes } of [manifest, ...blobs]) assert.equal(digestOf(bytes), digest)
        const entries = parseManifest(manifest.bytes).objects
        assert.deepEqual(
          entries.map(({ id }) => id),
          list.map(({ id }) => formatObjectId(id)).sort(),
        )
        const sizes = new Map(blobs.map(({ digest, bytes }) => [digest, bytes.byteLength]))
        for (const { digest, size } of entries) assert.equal(sizes.get(digest), size)
      }),
    )
  })

  test('any change of content or of how it is kept makes another digest', () => {
    const digestWith = (text: string, change: Partial<BundleOptions> = {}) =>
      buildBundle([configMap('a', text)], { ...options, ...change }).manifest.digest
    const digests = [
      digestWith(''),
      digestWith('x'),
      digestWith('', { application: 'other' }),
      digestWith('', { targetNamespace: '' }),
      digestWith('', { prune: false }),
      digestWith('', { allowEmpty: true }),
      digestWith('', { drift: 'report' }),
      digestWith('', { deletionPolicy: 'Orphan' }),
    ]
    assert.equal(new Set(digests).size, digests.length)
  })

  test('I4 an empty render is refused unless it is allowed', () => {
    const [fault] = faultsOf([])
    assert.match(fault!.message, /renders to no objects; nothing is removed/)
    const { manifest, objects } = buildBundle([], { ...options, allowEmpty: true })
    assert.deepEqual(objects, [])
    assert.deepEqual(parseManifest(manifest.bytes).objects, [])
  })

  test('I4 the Namespace that createNamespace adds makes no render of something: it is left behind when all manifests are gone', () => {
    const home = (file: string, metadata: object): RenderedObject => ({
      id: { group: '', kind: 'Namespace', namespace: '', name: 'shop' },
      apiVersion: 'v1',
      json: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata }),
      file,
    })
    const added = home('', {
      annotations: { 'groundswell.dev/prune': 'disabled' },
      name: 'shop',
    })
    const [fault] = faultsOf([added])
    assert.match(fault!.message, /renders to no objects but the Namespace of `createNamespace`/)
    const bundles = [
      buildBundle([added, configMap('a')], options),
      buildBundle([added], { ...options, allowEmpty: true }),
      buildBundle([home('namespace.yaml', { name: 'shop' })], options),
    ]
    assert.deepEqual(
      bundles.map(({ objects }) => objects.length),
      [2, 1, 1],
    )
  })

  test('objects of one id are refused, with the file of each', () => {
    const faults = faultsOf([
      configMap('a', '1', 'one.yaml'),
      configMap('b'),
      configMap('a', '2', 'two.yaml'),
      { ...configMap('b'), file: '' },
    ])
    assert.deepEqual(
      faults.map(({ file, message }) => [file, message]),
      [
        ['two.yaml', '/ConfigMap/shop/a is rendered twice, in one.yaml and here'],
        ['', '/ConfigMap/shop/b is rendered twice, in b.yaml and here'],
      ],
    )
  })

  test('F38: an object over the limit is refused, one of exactly the limit is not', () => {
    const exact = {
      ...configMap('a'),
      json: JSON.stringify('x'.repeat(manifestLimits.objectBytes - 2)),
    }
    assert.equal(buildBundle([exact], options).objects.length, 1)
    // Bytes count, not characters.
    const large = { ...configMap('b'), json: 'é'.repeat(manifestLimits.objectBytes / 2 + 1) }
    const [fault] = faultsOf([exact, large])
    assert.equal(fault?.file, 'b.yaml')
    assert.match(fault.message, /ConfigMap\/shop\/b has \d+ bytes/)
  })

  test('F38: annotations that no API server takes are refused with their size', () => {
    const noted = (size: number) => {
      const metadata = { name: 'a', annotations: { note: 'x'.repeat(size) } }
      return {
        ...configMap('a'),
        json: JSON.stringify({ ...JSON.parse(configMap('a').json), metadata }),
      }
    }
    const most = manifestLimits.annotationBytes - 'note'.length
    assert.equal(buildBundle([noted(most)], options).objects.length, 1)
    const [fault] = faultsOf([noted(most + 1)])
    assert.equal(fault?.file, configMap('a').file)
    assert.match(fault.message, /annotations of 262145 bytes; Kubernetes takes at most 262144/)
  })

  test('F38: too many objects, or a manifest too large, ask for the application to be split', () => {
    const many = Array.from({ length: manifestLimits.objects + 1 }, (_, n) => configMap(`o${n}`))
    assert.match(faultsOf(many)[0]!.message, /5001 objects, at most 5000/)
    // What else is wrong with each of them is not told beside it.
    assert.equal(faultsOf([...many, ...many]).length, 1)
    const long = many.slice(0, 3_000).map((object) => ({ ...object, file: 'f'.repeat(400) }))
    assert.throws(() => buildBundle(long, options), /its manifest is larger than 1 MiB/)
  })
})
