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
 * An offer with its bytes. What is each agent's own is written for it, into the frame that it leaves
 * in; what they share is encoded once: fields of a message may follow one another in any number of
 * pieces. Nobody changes what is given here any more.
 */
export function encodeOffer(
  envelope: Uint8Array,
  approvals: readonly Uint8Array[],
  contents: readonly Content[],
): SyncResponse {
  const shared = encodeContents(contents)
  const own = { envelope: asOwn(envelope), approvals: approvals.map(asOwn) }
  const value = create(OfferSchema, { ...own, contents: [...contents] })
  const envelopeSize = envelope.byteLength === 0 ? 0 : sizeOfField(envelope)
  const approvalsSize = approvals.reduce((sum, bytes) => sum + sizeOfField(bytes), 0)
  const length = envelopeSize + approvalsSize + shared.byteLength
  return keepEncoding(create(SyncResponseSchema, { message: { case: 'offer', value } }), {
    byteLength: 1 + sizeOfVarint(length) + length,
    copy(target, start) {
      let at = writeHead(target, start, offerTag, length)
      if (envelopeSize > 0) at = writeField(target, at, envelopeTag, envelope)
      for (const approval of approvals) at = writeField(target, at, approvalTag, approval)
      target.set(shared, at)
    },
  })
}

function encodeContents(contents: readonly Content[]): Uint8Array {
  const known = encoded.get(contents)
  if (known) return known
  const bytes = toBinary(OfferSchema, create(OfferSchema, { contents: [...contents] }))
  encoded.set(contents, bytes)
  return bytes
}

/** Memory of a hub is never shared with another thread, which is all that the type would say. */
function asOwn(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>
}

function sizeOfField({ byteLength }: Uint8Array): number {
  return 1 + sizeOfVarint(byteLength) + byteLength
}

function writeField(into: Uint8Array, at: number, tag: number, field: Uint8Array): number {
  const start = writeHead(into, at, tag, field.byteLength)
  into.set(field, start)
  return start + field.byteLength
}

function writeHead(into: Uint8Array, at: number, tag: number, length: number): number {
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
