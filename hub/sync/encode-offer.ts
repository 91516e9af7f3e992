import { create, toBinary } from '@bufbuild/protobuf'
import { keepEncoding } from '@groundswell/proto/encoding.ts'
import {
  type Content,
  OfferSchema,
  type SyncResponse,
  SyncResponseSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'

/** `SyncResponse.offer`: field 2, length-delimited. */
const offerTag = 0x12

/** Of contents that agents share. */
const encoded = new WeakMap<readonly Content[], Uint8Array>()

/**
 * An offer with its bytes. What is each agent's own is encoded for it; what they share once: fields
 * of a message may follow one another in any number of pieces.
 */
export function encodeOffer(
  envelope: Uint8Array,
  approvals: readonly Uint8Array[],
  contents: readonly Content[],
): SyncResponse {
  const own = { envelope: Uint8Array.from(envelope), approvals: approvals.map(copy) }
  const value = create(OfferSchema, own)
  const parts = [toBinary(OfferSchema, value), encodeContents(contents)]
  const length = parts.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const bytes = Buffer.concat([Buffer.of(offerTag, ...varint(length)), ...parts])
  value.contents = [...contents]
  return keepEncoding(create(SyncResponseSchema, { message: { case: 'offer', value } }), bytes)
}

function encodeContents(contents: readonly Content[]): Uint8Array {
  const bytes =
    encoded.get(contents) ?? toBinary(OfferSchema, create(OfferSchema, { contents: [...contents] }))
  encoded.set(contents, bytes)
  return bytes
}

function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes)
}

function varint(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 128)
  }
}
