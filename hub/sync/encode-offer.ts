import { create, toBinary } from '@bufbuild/protobuf'
import { keepEncoding } from '@groundswell/proto/encoding.ts'
import {
  type Content,
  OfferSchema,
  type SyncResponse,
  SyncResponseSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'

/* Tags of length-delimited fields: the field's number and wire type 2. */
/** `SyncResponse.offer`: field 2. */
const offerTag = 0x12
/** `Offer.envelope`: field 1. */
const envelopeTag = 0x0a
/** `Offer.approvals`: field 2. */
const approvalTag = 0x12

/** Of contents that agents share. */
const encoded = new WeakMap<readonly Content[], Uint8Array>()

/**
 * An offer with its bytes. What is each agent's own is written for it, into memory of just the right
 * size; what they share is encoded once: fields of a message may follow one another in any number of
 * pieces.
 */
export function encodeOffer(
  envelope: Uint8Array,
  approvals: readonly Uint8Array[],
  contents: readonly Content[],
): SyncResponse {
  const shared = encodeContents(contents)
  const own = { envelope: new Uint8Array(envelope), approvals: approvals.map(copy) }
  const value = create(OfferSchema, { ...own, contents: [...contents] })
  const envelopeSize = envelope.byteLength === 0 ? 0 : sizeOfField(envelope)
  const approvalsSize = approvals.reduce((sum, bytes) => sum + sizeOfField(bytes), 0)
  const length = envelopeSize + approvalsSize + shared.byteLength
  const bytes = Buffer.allocUnsafe(1 + sizeOfVarint(length) + length)
  let at = writeHead(bytes, 0, offerTag, length)
  if (envelopeSize > 0) at = writeField(bytes, at, envelopeTag, envelope)
  for (const approval of approvals) at = writeField(bytes, at, approvalTag, approval)
  bytes.set(shared, at)
  return keepEncoding(create(SyncResponseSchema, { message: { case: 'offer', value } }), bytes)
}

function encodeContents(contents: readonly Content[]): Uint8Array {
  const known = encoded.get(contents)
  if (known) return known
  const bytes = toBinary(OfferSchema, create(OfferSchema, { contents: [...contents] }))
  encoded.set(contents, bytes)
  return bytes
}

function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

function sizeOfField({ byteLength }: Uint8Array): number {
  return 1 + sizeOfVarint(byteLength) + byteLength
}

function writeField(into: Buffer, at: number, tag: number, field: Uint8Array): number {
  const start = writeHead(into, at, tag, field.byteLength)
  into.set(field, start)
  return start + field.byteLength
}

function writeHead(into: Buffer, at: number, tag: number, length: number): number {
  into[at] = tag
  let next = at + 1
  for (let rest = length; ; rest = Math.floor(rest / 128)) {
    into[next] = rest < 128 ? rest : (rest % 128) | 128
    next += 1
    if (rest < 128) return next
  }
}

function sizeOfVarint(value: number): number {
  let size = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1
  return size
}
