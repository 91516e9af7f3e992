import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { encode } from '@groundswell/proto/encoding.ts'
import { SyncResponseSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { encodeOffer } from '../../../../hub/sync/encode-offer.ts'
import { makePack } from '../../../support/packs.ts'

const bytes = fc.uint8Array({ maxLength: 300 })
const contents = fc
  .array(fc.uint8Array({ maxLength: 20_000 }), { maxLength: 3 })
  .map((all) => all.map((data) => makePack([{ digest: 'x', data }])))

describe('an encoded offer', () => {
  test('has the bytes it would have if it were encoded whole, also with contents used before', () => {
    fc.assert(
      fc.property(bytes, fc.array(bytes, { maxLength: 3 }), contents, (own, approvals, shared) => {
        for (const envelope of [own, Uint8Array.of(1, ...own)]) {
          const message = encodeOffer(envelope, approvals, shared)
          const value = { envelope, approvals, contents: shared }
          const whole = create(SyncResponseSchema, { message: { case: 'offer', value } } as never)
          const made = encode(SyncResponseSchema, message)
          assert.deepEqual(Buffer.from(made), Buffer.from(toBinary(SyncResponseSchema, whole)))
          assert.deepEqual(fromBinary(SyncResponseSchema, Uint8Array.from(made)), message)
        }
      }),
    )
  })
})
