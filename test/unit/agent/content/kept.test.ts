import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import fc from 'fast-check'
import { createKeptContent } from '../../../../agent/content/kept.ts'
import { type Shelf, packShelf, shelfBytes, unpackShelf } from '../../../../agent/content/shelf.ts'
import { AgentError } from '../../../../agent/errors.ts'
import type { ContentCache } from '../../../../agent/trust/state.ts'
import { createMemoryCache } from '../../../support/memory-stores.ts'

interface MemoryShelf extends Shelf {
  content: Uint8Array
  writes: number
  fault: AgentError | undefined
}

function createShelf(n: number): MemoryShelf {
  return {
    label: `shelf ${n}`,
    content: new Uint8Array(),
    writes: 0,
    fault: undefined,
    async read() {
      return this.content
    },
    async write(packed) {
      if (this.fault) throw this.fault
      this.writes += 1
      this.content = packed
    },
  }
}

const createShelves = (count: number) => Array.from({ length: count }, (_, n) => createShelf(n))

/** Bytes that no compression makes smaller. */
function noise(name: string, size: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, n) =>
    createHash('sha256').update(`${name} ${n}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, size)
}

const said: string[] = []
const log = { warn: (fields: object) => void said.push(JSON.stringify(fields)) }

function open(shelves: readonly Shelf[], near: ContentCache = createMemoryCache()) {
  return createKeptContent({ near, shelves, log })
}

async function put(content: ContentCache, blobs: readonly Uint8Array[]): Promise<Set<Digest>> {
  const digests = new Set<Digest>()
  for (const bytes of blobs) {
    digests.add(digestOf(bytes))
    await content.write(digestOf(bytes), bytes)
  }
  return digests
}

const text = (words: string) => Buffer.from(words)

describe('content that outlives the disk', () => {
  test('is all there for a pod with an empty disk', async () => {
    const shelves = createShelves(3)
    const first = open(shelves)
    const digests = await put(first, [text('a'), text('b'), noise('c', 40_000), text('')])
    await first.keep!(digests)
    const near = createMemoryCache()
    const next = open(shelves, near)
    for (const digest of digests) {
      assert.equal(await next.has(digest), true)
      assert.equal(digestOf(await next.read(digest)), digest)
    }
    assert.equal(near.blobs.size, 4, 'and on its disk again')
  })

  test('costs one write for what changed, and none for what did not', async () => {
    const shelves = createShelves(4)
    const writes = () => shelves.reduce((sum, shelf) => sum + shelf.writes, 0)
    const content = open(shelves)
    const digests = await put(
      content,
      Array.from({ length: 200 }, (_, n) => noise(`${n}`, 2_000)),
    )
    await content.keep!(digests)
    assert.equal(writes(), 1)
    await content.keep!(digests)
    assert.equal(writes(), 1)
    const [added] = await put(content, [text('one more')])
    await content.keep!(new Set([...digests, added!]))
    assert.equal(writes(), 2)
  })

  test('is spread over as many shelves as it takes, none above its bound', async () => {
    const shelves = createShelves(8)
    const content = open(shelves)
    const digests = await put(
      content,
      Array.from({ length: 50 }, (_, n) => noise(`${n}`, 90_000)),
    )
    await content.keep!(digests)
    for (const shelf of shelves) assert.ok(shelf.content.byteLength <= shelfBytes)
    const next = open(shelves)
    for (const digest of digests) assert.equal(await next.has(digest), true)
  })

  test('of the snapshot before stays until the next one counts', async () => {
    const shelves = createShelves(1)
    const content = open(shelves)
    const before = await put(content, [text('before')])
    await content.keep!(before)
    await content.sweep(before)
    const after = await put(content, [text('after')])
    await content.keep!(after)
    // It dies here: which of the two was accepted is not known to the shelves.
    for (const digest of [...before, ...after]) assert.ok(await open(shelves).has(digest))
    await content.sweep(after)
    const last = await put(content, [text('last')])
    await content.keep!(new Set([...after, ...last]))
    assert.equal(await open(shelves).has([...before][0]!), false, 'then it makes room')
    assert.equal(await open(shelves).has([...after][0]!), true)
  })

  test('that does not fit is on the disk, and said once', async () => {
    said.length = 0
    const content = open(createShelves(1))
    const digests = await put(content, [noise('large', shelfBytes + 1_000)])
    await content.keep!(digests)
    await content.keep!(digests)
    assert.equal(said.length, 1)
    assert.match(said[0]!, /1 objects of 984\d+ bytes do not fit/)
    assert.match(content.fault!(), /1 objects of 984\d+ bytes do not fit/)
    assert.equal((await content.read([...digests][0]!)).byteLength, shelfBytes + 1_000)
  })

  test('F26: a shelf that cannot be written stops nothing, and is written once it can be', async () => {
    const shelves = createShelves(1)
    shelves[0]!.fault = new AgentError('trust_state_unwritable', 'etcd: database space exceeded')
    const content = open(shelves)
    const digests = await put(content, [text('a')])
    await content.keep!(digests)
    shelves[0]!.fault = undefined
    await content.keep!(digests)
    assert.equal(await open(shelves).has([...digests][0]!), true)
  })

  test('F28: that another agent wrote ends this one', async () => {
    const shelves = createShelves(1)
    shelves[0]!.fault = new AgentError('another_agent', 'written by another agent')
    const content = open(shelves)
    await assert.rejects(content.keep!(await put(content, [text('a')])), { code: 'another_agent' })
  })

  test('F26: is read from the shelves when the disk takes nothing', async () => {
    const shelves = createShelves(2)
    const first = open(shelves)
    const digests = await put(first, [text('a'), text('b')])
    await first.keep!(digests)
    const full: ContentCache = {
      ...createMemoryCache(),
      has: async () => false,
      read: async (digest) => Promise.reject(new AgentError('content_missing', digest)),
      write: async () => Promise.reject(new AgentError('trust_state_unwritable', 'disk full')),
    }
    const next = open(shelves, full)
    for (const digest of digests) assert.equal(digestOf(await next.read(digest)), digest)
  })

  test('that was damaged on the disk is taken from its shelf', async () => {
    const shelves = createShelves(1)
    const near = createMemoryCache()
    const content = open(shelves, near)
    const digests = await put(content, [text('a')])
    await content.keep!(digests)
    near.blobs.clear()
    assert.equal(Buffer.from(await content.read([...digests][0]!)).toString(), 'a')
  })

  test('F27: any damage to a shelf is no content, never other content (property)', async () => {
    const packed = await packShelf([text('one'), noise('two', 500)])
    const good = new Set([digestOf(text('one')), digestOf(noise('two', 500))])
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: packed.byteLength - 1 }),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (at, flip, cut) => {
          const bytes = Buffer.from(cut ? packed.subarray(0, at) : packed)
          if (!cut) bytes[at]! ^= flip
          const shelf = createShelf(0)
          shelf.content = bytes
          for (const digest of good) {
            const found = await open([shelf])
              .read(digest)
              .catch(() => undefined)
            if (found) assert.equal(digestOf(found), digest)
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  test('is a bounded amount, whatever a shelf unpacks to', async () => {
    const bomb = await packShelf([new Uint8Array(20 * 1024 * 1024)])
    await assert.rejects(unpackShelf(bomb), { code: 'object_malformed' })
  })
})
