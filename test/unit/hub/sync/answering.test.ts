import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { create, fromBinary } from '@bufbuild/protobuf'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import {
  type Content,
  PackSchema,
  WantSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { createAnswering } from '../../../../hub/sync/answering.ts'
import { createFlow } from '../../../../hub/sync/flow.ts'
import { sliceBytes } from '../../../../hub/sync/pack.ts'
import { settle } from '../../../support/manual-clock.ts'

const large = Buffer.alloc(300 * 1024, 'large')
const small = Buffer.from('small')
const blobs = new Map<Digest, Uint8Array>([large, small].map((bytes) => [digestOf(bytes), bytes]))
const [largeDigest, smallDigest] = [...blobs.keys()] as [Digest, Digest]

function createWorld() {
  const read: Digest[] = []
  const sent: Content[] = []
  const failed: unknown[] = []
  const gate = { open: Promise.resolve() }
  let cuts = 0
  const flow = createFlow({
    limitBytes: 10_000_000,
    stallMs: 1,
    monotonic: () => 0,
    every: () => () => {},
  })
  const answering = createAnswering(
    {
      cluster: 'a',
      list: () => [],
      async send(content) {
        sent.push(content)
        await gate.open
      },
      cut: () => (cuts += 1),
      onFailed: (error) => failed.push(error),
    },
    {
      async serve(_, __, wanted) {
        read.push(...wanted)
        return {
          blobs: wanted.map((digest) => ({ digest, bytes: blobs.get(digest)! })),
          missing: [],
        }
      },
      compress: async (bytes) => bytes,
      flow,
    },
  )
  const want = (digests: readonly string[], begun: readonly [string, number][] = []) =>
    answering.ask(
      create(WantSchema, {
        digests: [...digests],
        begun: begun.map(([digest, offset]) => ({ digest, offset })),
      }),
    )
  const parts = () =>
    sent.flatMap(({ pack }) =>
      fromBinary(PackSchema, pack).parts.map(({ digest, offset }) => [digest, offset]),
    )
  return { answering, read, sent, failed, gate, flow, want, parts, cuts: () => cuts }
}

describe('answering a want', () => {
  test('F25: reads no more than is on its way, and gives its turn back', async () => {
    const { answering, read, gate, flow, want } = createWorld()
    const held = Promise.withResolvers<void>()
    gate.open = held.promise
    want([largeDigest, smallDigest])
    await settle()
    assert.deepEqual(read, [largeDigest])
    assert.ok(flow.bytes > 0)
    held.resolve()
    await answering.idle()
    assert.deepEqual(read, [largeDigest, smallDigest])
    assert.equal(flow.bytes, 0)
  })

  test('goes on with what the agent has begun; a beginning that cannot be gets the whole', async () => {
    const { answering, want, parts } = createWorld()
    want(
      [largeDigest, smallDigest],
      [
        [largeDigest, 280 * 1024],
        [smallDigest, 99],
      ],
    )
    await answering.idle()
    assert.deepEqual(parts(), [
      [largeDigest, 280 * 1024],
      [smallDigest, 0],
    ])
    assert.throws(() => want([], [[largeDigest, 1]]), { code: 'invalid' })
  })

  test('finishes what it is sending when it leaves, and takes up nothing more', async () => {
    const { answering, gate, want, parts } = createWorld()
    const held = Promise.withResolvers<void>()
    gate.open = held.promise
    want([largeDigest])
    want([smallDigest])
    await settle()
    let left = false
    const leaving = answering.leave().then(() => (left = true))
    want([smallDigest])
    await settle()
    assert.equal(left, false)
    held.resolve()
    await leaving
    await answering.idle()
    assert.deepEqual([...new Set(parts().map(([digest]) => digest))], [largeDigest])
    assert.equal(parts().length, Math.ceil(large.byteLength / sliceBytes))
  })

  test('reads nothing more for a stream that is gone, and frees what it held', async () => {
    const { answering, gate, failed, flow, read, want } = createWorld()
    gate.open = Promise.reject(new Error('gone'))
    gate.open.catch(() => {})
    want([largeDigest, smallDigest])
    await answering.idle()
    assert.deepEqual(read, [largeDigest])
    assert.equal(flow.bytes, 0)
    assert.match(String(failed[0]), /gone/)
    answering.end()
    want([smallDigest])
    await answering.idle()
    assert.deepEqual(read, [largeDigest])
  })
})
