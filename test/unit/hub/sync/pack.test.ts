import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import {
  type Content,
  ContentSchema,
  Encoding,
  PackSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { AgentError, type AgentErrorCode } from '../../../../agent/errors.ts'
import { createAssembly } from '../../../../agent/link/unpack.ts'
import type { Blob } from '../../../../hub/bundle/content.ts'
import { createPacker, packBlobs, packBytes } from '../../../../hub/sync/pack.ts'

const blobOf = (bytes: Uint8Array): Blob => ({ digest: digestOf(bytes), bytes })

/** Stands for a compressor: drops the zeros at the end, so that some packs shrink and some do not. */
async function compress(bytes: Uint8Array): Promise<Uint8Array> {
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1)
}

/** Grows back to `limit`, as far as it was told the pack goes. */
async function decompress(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  const all = new Uint8Array(limit)
  all.set(bytes)
  return all
}

async function packAll(blobs: readonly Blob[], missing: readonly string[] = []) {
  const contents: Content[] = []
  for await (const content of packBlobs(blobs, missing, compress)) contents.push(content)
  return contents
}

async function takeAll(contents: readonly Content[], blobs: readonly Blob[], limit = 2 ** 24) {
  const wanted = new Map(blobs.map(({ digest, bytes }) => [digest, bytes.byteLength]))
  const assembly = createAssembly(wanted, limit)
  const got = new Map<Digest, Uint8Array>()
  for (const content of contents) {
    for (const { digest, bytes } of await assembly.take(content, decompress)) got.set(digest, bytes)
  }
  return got
}

/** Many sizes, and those around the edges of a pack; content differs so that slices cannot be confused. */
const size = fc.oneof(
  fc.nat(200),
  fc.constantFrom(0, 1, packBytes - 1, packBytes, packBytes + 1, 2 * packBytes, 3 * packBytes - 7),
)
const blobs = fc
  .uniqueArray(fc.record({ size, seed: fc.nat(250) }), {
    selector: ({ size, seed }) => (size === 0 ? 'empty' : `${size}.${seed}`),
    maxLength: 12,
  })
  .map((list) =>
    list.map(({ size, seed }) => {
      const bytes = new Uint8Array(size)
      for (let at = 0; at < size; at += 97) bytes[at] = (seed + at) % 251
      return blobOf(bytes)
    }),
  )

test('blobs of any size come out of the agent as they went into the hub', async () => {
  await fc.assert(
    fc.asyncProperty(blobs, fc.boolean(), async (blobs, refused) => {
      const missing = refused ? ['sha256:gone'] : []
      const contents = await packAll(blobs, missing)
      const got = await takeAll(contents, blobs)
      assert.deepEqual(got, new Map(blobs.map(({ digest, bytes }) => [digest, bytes])))
      assert.deepEqual(
        contents.flatMap((content) => content.missing),
        missing,
      )
    }),
    { numRuns: 60 },
  )
})

test('a pack never holds more than its share of bytes, and is bounded with the most small blobs', async () => {
  const many = Array.from({ length: 5_000 }, (_, n) => blobOf(Buffer.from(`blob ${n}`)))
  const large = blobOf(new Uint8Array(5 * packBytes + 1))
  for (const content of await packAll([...many, large])) {
    assert.ok(content.decodedSize <= 1024 * 1024, `${content.decodedSize} bytes`)
    assert.ok(content.pack.byteLength <= content.decodedSize)
  }
  assert.deepEqual(await packAll([]), [])
})

describe('an assembly', () => {
  const bytes = Buffer.from('hello, cluster')
  const { digest } = blobOf(bytes)
  type PartInit = {
    digest?: string
    size?: number
    offset?: number
    data?: Uint8Array<ArrayBuffer>
  }

  function contentOf(...parts: PartInit[]): Content {
    const filled = parts.map((part) => ({ digest, size: bytes.byteLength, ...part }))
    const pack = Uint8Array.from(toBinary(PackSchema, create(PackSchema, { parts: filled })))
    return create(ContentSchema, { encoding: Encoding.IDENTITY, decodedSize: pack.length, pack })
  }
  const slice = (from: number, to: number) => Uint8Array.from(bytes.subarray(from, to))
  const whole = { data: slice(0, bytes.byteLength) }

  async function refuses(
    content: Content,
    code: AgentErrorCode,
    declared: number | undefined = bytes.byteLength,
  ) {
    const assembly = createAssembly(new Map([[digest, declared]]), 64)
    await assert.rejects(
      assembly.take(content, decompress),
      (error) => error instanceof AgentError && error.code === code,
    )
  }

  test('hands a blob out once all of it came, over several packs', async () => {
    const assembly = createAssembly(new Map([[digest, undefined]]), 64)
    assert.deepEqual(await assembly.take(contentOf({ data: slice(0, 5) }), decompress), [])
    const rest = contentOf({ offset: 5, data: slice(5, bytes.byteLength) })
    assert.deepEqual(await assembly.take(rest, decompress), [
      { digest, bytes: Uint8Array.from(bytes) },
    ])
  })

  test('refuses a size other than declared, or over the limit', async () => {
    await refuses(contentOf({ ...whole, size: bytes.byteLength + 1 }), 'size_mismatch')
    await refuses(contentOf({ data: slice(0, 3), size: 3 }), 'size_mismatch')
    await refuses(contentOf({ ...whole, size: 2 ** 31 }), 'size_mismatch', undefined)
    await refuses(contentOf({ data: new Uint8Array(65), size: 65 }), 'size_mismatch', 65)
  })

  test('refuses parts that leave a gap, overlap, come twice or run over the end', async () => {
    await refuses(contentOf({ offset: 1, data: slice(1, 5) }), 'size_mismatch')
    const first = { data: slice(0, 5) }
    await refuses(contentOf(first, { offset: 6, data: slice(6, 8) }), 'size_mismatch')
    await refuses(contentOf(first, { offset: 4, data: slice(4, 8) }), 'size_mismatch')
    await refuses(contentOf(first, first), 'size_mismatch')
    await refuses(contentOf(first, { offset: 5, data: new Uint8Array(40) }), 'size_mismatch')
    await refuses(contentOf({ offset: 2 ** 31, data: slice(0, 1) }), 'size_mismatch')
  })

  test('refuses bytes that are not what their digest says', async () => {
    const other = Uint8Array.from(bytes)
    other[0]! ^= 1
    await refuses(contentOf({ data: other }), 'digest_mismatch')
  })

  test('takes nothing that was not wanted', async () => {
    const stranger = blobOf(Buffer.from('stranger'))
    const content = contentOf(
      { digest: stranger.digest, size: 8, data: Uint8Array.from(stranger.bytes) },
      { digest: 'sha256:nonsense', data: slice(0, 1) },
      whole,
    )
    assert.deepEqual([...(await takeAll([content], [{ digest, bytes }])).keys()], [digest])
  })

  test('never decodes past what it allows: a bomb is refused unopened', async () => {
    let opened = 0
    const open = async (packed: Uint8Array, limit: number) => {
      opened += 1
      return decompress(packed, limit)
    }
    const encoding = Encoding.ZSTD
    const mib = 1024 * 1024
    for (const bomb of [
      create(ContentSchema, { encoding, decodedSize: mib + 1, pack: new Uint8Array(9) }),
      create(ContentSchema, { encoding, decodedSize: 9, pack: new Uint8Array(mib + 1) }),
    ]) {
      await assert.rejects(createAssembly(new Map(), 64).take(bomb, open), {
        code: 'size_mismatch',
      })
    }
    assert.equal(opened, 0)
  })

  test('a pack that cannot be decoded is malformed, whatever the decoder said', async () => {
    const broken = create(ContentSchema, {
      encoding: Encoding.ZSTD,
      decodedSize: 4,
      pack: Uint8Array.of(1),
    })
    const fail = async () => Promise.reject(new RangeError('buffer too large'))
    await assert.rejects(createAssembly(new Map(), 64).take(broken, fail), {
      code: 'object_malformed',
    })
    const noise = create(ContentSchema, { decodedSize: 3, pack: Uint8Array.of(0xff, 0xff, 0xff) })
    await assert.rejects(createAssembly(new Map(), 64).take(noise, fail), {
      code: 'object_malformed',
    })
  })
})

describe('createPacker', () => {
  const one = blobOf(Buffer.from('one'))
  const two = blobOf(Buffer.from('two'))

  function world(memoryBytes: number) {
    let compressions = 0
    const pack = createPacker(async (bytes) => {
      compressions += 1
      return compress(bytes)
    }, memoryBytes)
    return {
      count: () => compressions,
      pack: async (blobs: readonly Blob[], missing: readonly string[] = []) => {
        const contents: Content[] = []
        for await (const content of pack(blobs, missing)) contents.push(content)
        return contents
      },
    }
  }

  test('gives what packBlobs gives, compressed once however many ask at once', async () => {
    const { pack, count } = world(1024)
    const answers = await Promise.all([pack([one, two]), pack([one, two]), pack([one, two])])
    for (const answer of answers) assert.deepEqual(answer, await packAll([one, two]))
    assert.equal(count(), 1)
  })

  test('other blobs, or the same in another order, are another pack', async () => {
    const { pack } = world(1024)
    assert.deepEqual(await pack([one]), await packAll([one]))
    assert.deepEqual(await pack([two, one]), await packAll([two, one]))
    assert.deepEqual(await pack([one, two]), await packAll([one, two]))
  })

  test('an answer that lacks something is never the answer to another', async () => {
    const { pack } = world(1024)
    assert.deepEqual((await pack([one], ['sha256:gone'])).at(-1)?.missing, ['sha256:gone'])
    assert.deepEqual((await pack([one])).at(-1)?.missing, [])
  })

  test('forgets the oldest past its bound', async () => {
    const { pack, count } = world(16)
    const many = Array.from({ length: 10 }, (_, at) => blobOf(Buffer.from(`b${at}`)))
    for (const blob of many) await pack([blob])
    assert.equal(count(), 10)
    await pack([many.at(-1)!])
    assert.equal(count(), 10)
    await pack([many[0]!])
    assert.equal(count(), 11)
  })

  test('a compression that failed is tried again', async () => {
    let broken = true
    const pack = createPacker(async (bytes) => {
      if (broken) throw new Error('no memory')
      return bytes
    })
    await assert.rejects(async () => {
      for await (const _ of pack([one], [])) assert.fail('nothing to give')
    }, /no memory/)
    broken = false
    for await (const content of pack([one], [])) assert.deepEqual(content.missing, [])
  })
})
