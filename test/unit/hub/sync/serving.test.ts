import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { SnapshotApplication } from '@groundswell/proto/statement.ts'
import { type Bundle, buildBundle } from '../../../../hub/bundle/build.ts'
import { createServing } from '../../../../hub/sync/serving.ts'
import { createMemoryContent } from '../../../support/memory-stores.ts'

function bundle(application: string, ...names: string[]): Bundle {
  const objects = names.map((name) => ({
    id: { group: '', kind: 'ConfigMap', namespace: 'n', name },
    apiVersion: 'v1',
    json: JSON.stringify({ name, application }),
    file: '',
  }))
  return buildBundle(objects, {
    application,
    targetNamespace: '',
    prune: true,
    allowEmpty: true,
    drift: 'correct',
    deletionPolicy: 'Delete',
  })
}
const listed = ({ manifest }: Bundle, name: string): SnapshotApplication => ({
  name,
  generation: 1,
  state: 'present',
  manifest: { digest: manifest.digest, size: manifest.bytes.byteLength },
  revision: '',
})

const shop = bundle('shop', 'a', 'b')
const bank = bundle('bank', 'secret')
const list = [listed(shop, 'shop')]
const digests = (of: Bundle) => [of.manifest.digest, ...of.objects.map(({ digest }) => digest)]

async function world(stored: readonly Bundle[], rebuilt: readonly Bundle[] = []) {
  const content = createMemoryContent()
  for (const { manifest, objects } of stored) await content.put([manifest, ...objects])
  const rebuilds: string[] = []
  const serve = createServing({
    content,
    async rebuild(cluster) {
      rebuilds.push(cluster)
      for (const { manifest, objects } of rebuilt) await content.put([manifest, ...objects])
    },
  })
  return { content, rebuilds, serve: (...wanted: Digest[]) => serve('a', list, wanted) }
}

describe('createServing', () => {
  test('serves a manifest of the snapshot and the objects it names', async () => {
    const { serve, rebuilds } = await world([shop, bank])
    const served = await serve(...digests(shop))
    assert.deepEqual(served, { blobs: [shop.manifest, ...shop.objects], missing: [] })
    assert.deepEqual(rebuilds, [])
  })

  test('T21 what belongs to others is missing, though the hub has it', async () => {
    const { serve, rebuilds } = await world([shop, bank])
    const served = await serve(...digests(bank), shop.manifest.digest)
    assert.deepEqual(served.blobs, [shop.manifest])
    assert.deepEqual(served.missing, digests(bank))
    assert.deepEqual(rebuilds, [])
  })

  test('a tombstone names nothing that could be asked for', async () => {
    const { content } = await world([shop])
    const serve = createServing({ content, rebuild: async () => assert.fail('rebuilt') })
    const removed = {
      name: 'shop',
      generation: 2,
      state: 'removed',
      deletionPolicy: 'Delete',
    } as const
    assert.deepEqual((await serve('a', [removed], digests(shop))).missing, digests(shop))
  })

  test('content that was lost is rebuilt once for the cluster, then served', async () => {
    const { serve, rebuilds } = await world([], [shop])
    assert.deepEqual((await serve(...digests(shop))).missing, [])
    assert.deepEqual(rebuilds, ['a'])
  })

  test('objects lost with their manifest still there are rebuilt too', async () => {
    const { content, serve, rebuilds } = await world([shop], [shop])
    content.blobs.delete(shop.objects[0]!.digest)
    assert.deepEqual((await serve(...digests(shop))).missing, [])
    assert.deepEqual(rebuilds, ['a'])
  })

  test('what cannot be rebuilt is tried once for each want and told as missing', async () => {
    const { serve, rebuilds } = await world([])
    assert.deepEqual(await serve(...digests(shop)), { blobs: [], missing: digests(shop) })
    assert.deepEqual(rebuilds, ['a'])
    const stranger = digestOf('stranger')
    assert.deepEqual(
      (await serve(shop.manifest.digest, stranger)).missing.toSorted(),
      [shop.manifest.digest, stranger].toSorted(),
    )
  })

  test('splits a want by what manifests declare: about a pack each, a large blob by itself', async () => {
    const sizes = [200, 100, 100, 900, 10, 10].map((kib) => kib * 1024)
    const objects = sizes.map((size, at) => ({
      id: { group: '', kind: 'ConfigMap', namespace: 'n', name: `c${at}` },
      apiVersion: 'v1',
      json: JSON.stringify({ text: 'x'.repeat(size) }),
      file: '',
    }))
    const many = buildBundle(objects, {
      application: 'shop',
      targetNamespace: '',
      prune: true,
      allowEmpty: true,
      drift: 'correct',
      deletionPolicy: 'Delete',
    })
    const { content } = await world([many])
    const serve = createServing({ content, rebuild: async () => assert.fail('rebuilt') })
    const wanted = many.objects.map(({ digest }) => digest)
    const batches = await serve.batch!([listed(many, 'shop')], wanted)
    assert.deepEqual(
      batches.flatMap(({ digests }) => digests),
      wanted,
    )
    for (const { digests, bytes } of batches) {
      assert.ok(bytes <= 256 * 1024 || digests.length === 1, `${digests.length} of ${bytes}`)
      const found = await content.get(digests)
      const sum = found.reduce((all, one) => all + one!.byteLength, 0)
      assert.ok(bytes >= sum, `${bytes} for ${sum}`)
    }
    assert.ok(batches.length <= 5, `${batches.length}`)
  })
})
