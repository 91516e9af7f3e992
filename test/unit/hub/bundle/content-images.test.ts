import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { encodeManifest } from '@groundswell/proto/manifest.ts'
import { createContentImages } from '../../../../hub/bundle/content-images.ts'
import { createMemoryContent } from '../../../support/memory-stores.ts'

const pod = (...images: string[]) =>
  JSON.stringify({
    spec: { template: { spec: { containers: images.map((image) => ({ image })) } } },
  })

/** A content store with one manifest of these objects. */
async function store(objects: Readonly<Record<string, string>>) {
  const content = createMemoryContent()
  const blob = (text: string) => ({ digest: digestOf(text), bytes: Buffer.from(text) })
  const manifest = encodeManifest({
    ...{ v: 1, application: 'shop', targetNamespace: '' },
    ...{ prune: { enabled: true, allowEmpty: false }, drift: 'correct', deletionPolicy: 'Delete' },
    objects: Object.entries(objects).map(([id, text]) => ({
      ...{ id, apiVersion: 'v1', digest: digestOf(text), size: text.length, file: '' },
    })),
  })
  const blobs = Object.values(objects).map(blob)
  await content.put([...blobs, blob(manifest)])
  let gets = 0
  const counting = {
    ...content,
    async get(digests: Parameters<typeof content.get>[0]) {
      gets += 1
      return content.get(digests)
    },
  }
  return { content: counting, digest: digestOf(manifest), gets: () => gets }
}

describe('images of contents', () => {
  it('are found once, and remembered', async () => {
    const { content, digest, gets } = await store({
      'apps/Deployment/shop/web': pod('web:1', 'proxy:2'),
      '/ConfigMap/shop/settings': pod('no container at all'),
    })
    const read = createContentImages(content)
    const web = 'apps/Deployment/shop/web'
    const expected = ['web:1', 'proxy:2'].map((image) => ({ image, object: web }))
    assert.deepEqual([...(await read([digest]))], [[digest, expected]])
    const before = gets()
    assert.deepEqual([...(await read([digest]))], [[digest, expected]])
    assert.equal(gets(), before)
  })

  it('are missing where any part of the content is', async () => {
    const lost = await store({ 'apps/Deployment/shop/web': pod('web:1') })
    const read = createContentImages({
      ...lost.content,
      get: async (digests) =>
        (await lost.content.get(digests)).map((bytes) =>
          bytes && Buffer.from(bytes).includes('containers') ? undefined : bytes,
        ),
    })
    assert.deepEqual([...(await read([lost.digest, digestOf('never')]))], [])
  })
})
