import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Digest } from '@groundswell/proto/digest.ts'
import type { SnapshotApplication } from '@groundswell/proto/statement.ts'
import { unpackPush } from '../../../../agent/link/unpack.ts'
import type { Bundle } from '../../../../hub/bundle/build.ts'
import { createPush, pushLimits } from '../../../../hub/sync/push.ts'
import { createMemoryContent } from '../../../support/memory-stores.ts'
import { bundleOf } from '../../../support/signed-offer.ts'

const removed: SnapshotApplication = {
  name: 'shop',
  generation: 9,
  state: 'removed',
  deletionPolicy: 'Delete',
}

function listOf(...bundles: readonly Bundle[]): SnapshotApplication[] {
  return bundles.map(({ manifest: { digest, bytes } }, at) => ({
    name: `app-${at}`,
    generation: 1,
    state: 'present',
    manifest: { digest, size: bytes.byteLength },
    revision: '',
  }))
}

function world(...bundles: readonly Bundle[]) {
  const content = createMemoryContent()
  const counts = { packs: 0, reads: 0 }
  const push = createPush({
    content: {
      get: (digests) => {
        counts.reads += 1
        return content.get(digests)
      },
    },
    async compress(bytes) {
      counts.packs += 1
      return bytes
    },
  })
  return {
    push,
    content,
    counts,
    store: () => content.put(bundles.flatMap(({ manifest, objects }) => [manifest, ...objects])),
  }
}

async function digestsIn(pushed: ReturnType<ReturnType<typeof createPush>>): Promise<Set<Digest>> {
  const blobs = await unpackPush(await pushed, async (bytes) => bytes)
  return new Set(blobs.keys())
}

describe('a push', () => {
  test('brings the new manifest and the objects that changed, and nothing else', async () => {
    const [one, two] = [bundleOf('a', 'x', 'y'), bundleOf('a', 'x', 'z')]
    const { push, store } = world(one, two)
    await store()
    const found = await digestsIn(push(listOf(one), listOf(two)))
    assert.deepEqual(found, new Set([two.manifest.digest, two.objects[1]!.digest]))
  })

  test('is made once for all agents that go the same way', async () => {
    const [one, two] = [bundleOf('a', 'x'), bundleOf('a', 'y')]
    const { push, store, counts } = world(one, two)
    await store()
    await Promise.all(Array.from({ length: 1_000 }, () => push(listOf(one), listOf(two))))
    assert.equal(counts.packs, 1)
    assert.ok(counts.reads <= 3, `${counts.reads} reads`)
  })

  test('is none where nothing changed, something goes, or all is too large', async () => {
    const [small, large] = [bundleOf('a', 'x'), bundleOf('a', 'z'.repeat(pushLimits.decodedBytes))]
    const { push, store, counts } = world(small, large)
    await store()
    assert.deepEqual(await push(listOf(small), listOf(small)), [])
    assert.deepEqual(await push(listOf(small), [removed]), [])
    assert.deepEqual(await push([], listOf(large)), [])
    assert.equal(counts.packs, 0)
  })

  test('is none when content is not at hand, and is looked for again the next time', async () => {
    const [one, two] = [bundleOf('a', 'x'), bundleOf('a', 'y')]
    const { push, store } = world(one, two)
    assert.deepEqual(await push(listOf(one), listOf(two)), [])
    await store()
    assert.equal((await push(listOf(one), listOf(two))).length, 1)
  })

  test('is none when the store is away: agents then ask', async () => {
    const away = async () => Promise.reject(new Error('away'))
    const push = createPush({ content: { get: away }, compress: async (bytes) => bytes })
    assert.deepEqual(await push([], listOf(bundleOf('a', 'x'))), [])
  })

  test('T21: never holds what the offered snapshot does not refer to, and lacks nothing', async () => {
    const texts = fc.array(fc.constantFrom('p', 'q', 'r', 's', 't'), { minLength: 1, maxLength: 6 })
    const lists = fc.array(texts, { maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(lists, lists, async (before, after) => {
        const bundlesOf = (all: string[][]) => all.map((one, at) => bundleOf(`app-${at}`, ...one))
        const [had, gets] = [bundlesOf(before), bundlesOf(after)]
        const { push, store } = world(...had, ...gets)
        await store()
        const found = await digestsIn(push(listOf(...had), listOf(...gets)))
        const digests = (bundles: Bundle[]) =>
          new Set(
            bundles.flatMap(({ manifest, objects }) => [manifest, ...objects]).map((b) => b.digest),
          )
        const [owned, wanted] = [digests(had), digests(gets)]
        for (const digest of found) assert.ok(wanted.has(digest))
        for (const digest of wanted) assert.ok(found.has(digest) || owned.has(digest))
      }),
    )
  })
})
