import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import {
  type Content,
  ContentSchema,
  Encoding,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import type { AgentErrorCode } from '../../../../agent/errors.ts'
import { createAssembly } from '../../../../agent/link/unpack.ts'
import { packBlobs } from '../../../../hub/sync/pack.ts'
import { makePack } from '../../../support/packs.ts'

const same = async (bytes: Uint8Array) => bytes
const limit = 1_536 * 1024
const large = Buffer.alloc(900 * 1024, 'large')
const small = Buffer.from('small')
const blobs = [large, small].map((bytes) => ({ digest: digestOf(bytes), bytes }))
const wanted = new Map(blobs.map(({ digest, bytes }) => [digest, bytes.byteLength]))

async function packs(): Promise<Content[]> {
  const all: Content[] = []
  for await (const content of packBlobs(blobs, [], same)) all.push(content)
  return all
}

async function refuses(contents: readonly Content[], code: AgentErrorCode, of = wanted) {
  const assembly = createAssembly(of, limit)
  await assert.rejects(
    async () => {
      for (const content of contents) await assembly.take(content, same)
    },
    { code },
  )
}

describe('an assembly', () => {
  test('puts together what the hub packs, and counts only that as progress', async () => {
    const assembly = createAssembly(wanted, limit)
    const unasked = Buffer.from('unasked')
    const junk = makePack([{ data: unasked, digest: digestOf(unasked) }])
    const got: Digest[] = []
    for (const content of [junk, ...(await packs()), junk]) {
      for (const { digest, bytes } of await assembly.take(content, same)) {
        assert.equal(digestOf(bytes), digest)
        got.push(digest)
      }
    }
    assert.deepEqual(
      got,
      blobs.map(({ digest }) => digest),
    )
    assert.equal(assembly.progress, large.byteLength + small.byteLength)
  })

  test('T7: whichever pack is left out, the blob it was part of is never handed out', async () => {
    const all = await packs()
    assert.ok(all.length >= 4)
    for (const left of all.keys()) {
      const assembly = createAssembly(wanted, limit)
      const got: Digest[] = []
      try {
        for (const content of all.toSpliced(left, 1)) {
          got.push(...(await assembly.take(content, same)).map(({ digest }) => digest))
        }
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'size_mismatch')
      }
      assert.ok(!got.includes(digestOf(large)), `without pack ${left}`)
    }
  })

  test('T8: a size that is only stated takes no memory', async () => {
    const digest = digestOf('never')
    const assembly = createAssembly(new Map([[digest, undefined]]), limit)
    const before = process.memoryUsage().arrayBuffers
    await assembly.take(makePack([{ digest, size: limit, data: Buffer.from('x') }]), same)
    assert.ok(process.memoryUsage().arrayBuffers - before < limit / 2)
  })

  test('T8: blobs that are begun and never finished are few', async () => {
    const digests = Array.from({ length: 5 }, (_, n) => digestOf(`${n}`))
    const parts = digests.map((digest) => ({ digest, size: 100, data: Buffer.from('x') }))
    const of = new Map(digests.map((digest) => [digest, 100]))
    await refuses([makePack(parts)], 'too_much_data', of)
    await createAssembly(of, limit).take(makePack(parts.slice(1)), same)
  })

  test('a part of another size, at another place or past the end is refused', async () => {
    const digest = digestOf(small)
    const data = Buffer.from('sm')
    await refuses([makePack([{ digest, size: 6, data }])], 'size_mismatch')
    await refuses([makePack([{ digest, size: 5, offset: 1, data }])], 'size_mismatch')
    const long = { digest, size: 5, data: Buffer.from('smaller') }
    await refuses([makePack([long])], 'size_mismatch')
    const undeclared = new Map<Digest, undefined>([[digest, undefined]])
    const [begin, change] = [5, 6].map((size, n) => ({ digest, size, data, offset: n * 2 }))
    const assembly = createAssembly(undeclared, limit)
    await assert.rejects(assembly.take(makePack([begin!, change!]), same), {
      code: 'size_mismatch',
    })
    const other = { digest, size: 5, data: Buffer.from('smell') }
    await refuses([makePack([other])], 'digest_mismatch')
  })

  test('T10: a pack that does not decode to exactly what it states is refused', async () => {
    const honest = makePack([{ digest: digestOf(small), data: small }])
    const { decodedSize } = honest
    await refuses([{ ...honest, decodedSize: decodedSize + 1 }], 'size_mismatch')
    await refuses([{ ...honest, decodedSize: decodedSize - 1 }], 'size_mismatch')
    await refuses([{ ...honest, encoding: Encoding.ZSTD, decodedSize: 1 }], 'size_mismatch')
    await refuses([{ ...honest, decodedSize: 1024 * 1024 + 1 }], 'size_mismatch')
    await refuses([{ ...honest, encoding: Encoding.UNSPECIFIED }], 'object_malformed')
    await refuses([{ ...honest, encoding: 9 as Encoding }], 'object_malformed')
    const assembly = createAssembly(wanted, limit)
    assert.deepEqual(await assembly.take(create(ContentSchema, { missing: ['x'] }), same), [])
  })
})
