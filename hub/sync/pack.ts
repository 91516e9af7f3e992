import { create, toBinary } from '@bufbuild/protobuf'
import {
  ContentSchema,
  type Content,
  Encoding,
  PackSchema,
  type Part,
  PartSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import type { Blob } from '../bundle/content.ts'

/** Bytes of blobs in one pack, before compression: well under gRPC's 4 MiB receive limit. */
export const packBytes = 256 * 1024

/** Compresses a pack; given in, so that this file stays pure. */
export type Compress = (bytes: Uint8Array) => Promise<Uint8Array>

/**
 * Blobs → messages of at most `packBytes` each, small blobs together (they compress better so),
 * large ones in slices. `missing` travels with the last message.
 */
export async function* packBlobs(
  blobs: readonly Blob[],
  missing: readonly string[],
  compress: Compress,
): AsyncGenerator<Content> {
  let parts: Part[] = []
  let bytes = 0
  for (const { digest, bytes: data } of blobs) {
    for (let offset = 0; offset === 0 || offset < data.byteLength;) {
      const slice = data.subarray(offset, offset + packBytes - bytes)
      parts.push(
        create(PartSchema, { digest, size: data.byteLength, offset, data: Uint8Array.from(slice) }),
      )
      bytes += slice.byteLength
      offset += slice.byteLength
      if (bytes >= packBytes) {
        yield await encodePack(parts, [], compress)
        parts = []
        bytes = 0
      }
      if (data.byteLength === 0) break
    }
  }
  if (parts.length > 0 || missing.length > 0) yield await encodePack(parts, missing, compress)
}

async function encodePack(
  parts: Part[],
  missing: readonly string[],
  compress: Compress,
): Promise<Content> {
  const raw = toBinary(PackSchema, create(PackSchema, { parts }))
  const small = await compress(raw)
  const worthIt = small.byteLength < raw.byteLength
  return create(ContentSchema, {
    encoding: worthIt ? Encoding.ZSTD : Encoding.IDENTITY,
    decodedSize: raw.byteLength,
    pack: Uint8Array.from(worthIt ? small : raw),
    missing: [...missing],
  })
}
