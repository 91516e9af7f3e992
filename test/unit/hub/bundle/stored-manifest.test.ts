import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { type DeletionPolicy, encodeManifest, type Manifest } from '@groundswell/proto/manifest.ts'
import type { ContentStore } from '../../../../hub/bundle/content.ts'
import { readDeletionPolicy } from '../../../../hub/bundle/stored-manifest.ts'

const blobs = new Map<Digest, Uint8Array>()
const store = {
  get: async (digests: readonly Digest[]) => digests.map((digest) => blobs.get(digest)),
} as unknown as ContentStore

/** Keeps a manifest of these objects, and gives its digest. */
function keep(
  application: string,
  ids: readonly string[],
  rest: { deletionPolicy?: DeletionPolicy; targetNamespace?: string } = {},
): Digest {
  const manifest: Manifest = {
    ...{ v: 1, application, targetNamespace: 'shop', drift: 'correct', deletionPolicy: 'Delete' },
    ...rest,
    prune: { enabled: true, allowEmpty: false, maxPercent: 30, maxObjects: 50, confirm: '' },
    objects: [...ids].sort().map((id) => ({
      ...{ id, apiVersion: 'v1', digest: digestOf(id), size: 10, file: 'a.yaml' },
    })),
  } as unknown as Manifest
  const bytes = Buffer.from(encodeManifest(manifest))
  blobs.set(digestOf(bytes), bytes)
  return digestOf(bytes)
}

const policyOf = (going: Digest, heirs: readonly Digest[]) =>
  readDeletionPolicy(store, going, heirs, async () => {})

const both = ['/ConfigMap/shop/a', 'apps/Deployment/shop/web']

describe('what becomes of the objects of an application that goes', () => {
  it('is what its manifest says', async () => {
    assert.equal(await policyOf(keep('web', both), []), 'Delete')
    assert.equal(await policyOf(keep('web', both, { deletionPolicy: 'Orphan' }), []), 'Orphan')
  })

  it('I4: is to be let go where all of them are on their way to others', async () => {
    assert.equal(await policyOf(keep('web', both), [keep('shop', both)]), 'Orphan')
    const halves = both.map((id) => keep('half', [id]))
    assert.equal(await policyOf(keep('web', both), halves), 'Orphan')
    const bare = ['/ConfigMap//a', 'apps/Deployment//web']
    assert.equal(await policyOf(keep('web', both), [keep('bare', bare)]), 'Orphan')
  })

  it('is as before where only a part is, or other objects by the same names', async () => {
    assert.equal(await policyOf(keep('web', both), [keep('half', both.slice(1))]), 'Delete')
    const elsewhere = keep('bare', ['/ConfigMap//a', 'apps/Deployment//web'], {
      targetNamespace: 'other',
    })
    assert.equal(await policyOf(keep('web', both), [elsewhere]), 'Delete')
    assert.equal(await policyOf(keep('empty', []), [keep('shop', both)]), 'Delete')
  })

  it('is not guessed where what comes cannot be read', async () => {
    const lost = digestOf('lost')
    await assert.rejects(policyOf(keep('web', both), [lost]), { code: 'content_missing' })
    await assert.rejects(policyOf(lost, []), { code: 'content_missing' })
  })
})
