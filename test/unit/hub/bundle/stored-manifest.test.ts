import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { ContentStore } from '../../../../hub/bundle/content.ts'
import { fingerprintIds } from '../../../../hub/bundle/fingerprint.ts'
import { createManifestObjects } from '../../../../hub/bundle/stored-manifest.ts'
import { createManifests } from '../../../support/manifests.ts'

const both = ['/ConfigMap/shop/a', 'apps/Deployment//web']

function world() {
  const manifests = createManifests()
  const reads: Digest[] = []
  const store = {
    async get(digests: readonly Digest[]) {
      reads.push(...digests)
      return digests.map((digest) => manifests.blobs.get(digest))
    },
  } as unknown as ContentStore
  return { manifests, reads, objects: createManifestObjects(store) }
}

describe('which objects a manifest names', () => {
  it('is read once, and told with what becomes of them', async () => {
    const { manifests, reads, objects } = world()
    const digest = manifests.keep('web', both, { deletionPolicy: 'Orphan' })
    const none = async () => assert.fail('nothing is lost')
    const found = await objects(digest, none)
    assert.deepEqual(found, await objects(digest, none))
    assert.deepEqual(reads, [digest])
    assert.equal(found.deletionPolicy, 'Orphan')
    assert.deepEqual(found.places, ['/ConfigMap/shop/a', 'apps/Deployment/shop/web'])
    assert.ok(found.spellings.has('apps/Deployment//web'))
    const named = { targetNamespace: 'shop', objects: both.map((id) => ({ id })) }
    assert.equal(found.fingerprint, fingerprintIds(named))
  })

  it('is made again where it was lost, and not guessed where that does not help', async () => {
    const { manifests, objects } = world()
    const lost = digestOf('lost')
    await assert.rejects(
      objects(lost, async () => {}),
      { code: 'content_missing' },
    )
    const digest = manifests.keep('web', both)
    const bytes = manifests.blobs.get(digest)!
    manifests.blobs.delete(digest)
    const found = await objects(digest, async () => void manifests.blobs.set(digest, bytes))
    assert.equal(found.places.length, 2)
  })

  it('is remembered for so many objects and not more', async () => {
    const { manifests, reads, objects } = world()
    const many = Array.from({ length: 1_500 }, (_, at) => `/ConfigMap/shop/c${at}`)
    const digests = Array.from({ length: 80 }, (_, at) => manifests.keep(`web${at}`, many))
    for (const digest of digests) await objects(digest, async () => {})
    await objects(digests.at(-1)!, async () => {})
    assert.equal(reads.length, 80, 'the newest are remembered')
    await objects(digests[0]!, async () => {})
    assert.equal(reads.length, 81, 'the oldest are not')
  })
})
