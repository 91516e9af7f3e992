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
/**
 * Of a blob that does not fit a pack, each has this much: what is lost of it when the link breaks is
 * at most that.
 */
export const sliceBytes = 32 * 1024

/** Compresses a pack; given in, so that this file stays pure. */
export type Compress = (bytes: Uint8Array) => Promise<Uint8Array>

export interface PackedBlob extends Blob {
  /** The agent has what is before; 0 by default. */
  readonly from?: number
}

/** Blobs → messages, as `packBlobs` makes them; `missing` travels with the last. */
export type Pack = (
  blobs: readonly PackedBlob[],
  missing: readonly string[],
) => AsyncIterable<Content>

/**
 * Packs blobs, remembering lately made packs up to `memoryBytes`: after a commit all agents want
 * the same few blobs, and compressing them once for each agent was most of what a rollout cost.
 */
export function createPacker(compress: Compress, memoryBytes = 8 * 1024 * 1024): Pack {
  const made = new Map<string, { readonly contents: Promise<Content[]>; readonly bytes: number }>()
  let held = 0

  function remember(key: string, blobs: readonly Blob[], bytes: number): Promise<Content[]> {
    const contents = collect(packBlobs(blobs, [], compress))
    made.set(key, { contents, bytes })
    held += bytes
    contents.catch(() => forget(key))
    for (const oldest of made.keys()) {
      if (held <= memoryBytes) break
      forget(oldest)
    }
    return contents
  }

  function forget(key: string): void {
    held -= made.get(key)?.bytes ?? 0
    made.delete(key)
  }

  return async function* pack(
    blobs: readonly PackedBlob[],
    missing: readonly string[],
  ): AsyncGenerator<Content> {
    const bytes = blobs.reduce((sum, blob) => sum + blob.bytes.byteLength, 0)
    // What is missing or begun differs by agent; what is large would push out everything else.
    const own = missing.length > 0 || blobs.some(({ from }) => from !== undefined)
    if (own || bytes === 0 || bytes > memoryBytes / 8) {
      yield* packBlobs(blobs, missing, compress)
      return
    }
    const key = blobs.map(({ digest }) => digest).join()
    yield* await (made.get(key)?.contents ?? remember(key, blobs, bytes))
  }
}

async function collect(contents: AsyncIterable<Content>): Promise<Content[]> {
  const all: Content[] = []
  for await (const content of contents) all.push(content)
  return all
}

/**
 * Blobs → messages of at most `packBytes` each, small blobs together (they compress better so),
 * large ones in slices of `sliceBytes`. `missing` travels with the last message.
 */
export async function* packBlobs(
  blobs: readonly PackedBlob[],
  missing: readonly string[],
  compress: Compress,
): AsyncGenerator<Content> {
  let parts: Part[] = []
  let bytes = 0
  for (const { digest, bytes: data, from = 0 } of blobs) {
    const room = data.byteLength > packBytes ? sliceBytes : packBytes
    for (let offset = from; offset === from || offset < data.byteLength;) {
      if (bytes >= room) {
        yield await encodePack(parts, [], compress)
        ;[parts, bytes] = [[], 0]
      }
      const slice = data.subarray(offset, offset + room - bytes)
      parts.push(
        create(PartSchema, { digest, size: data.byteLength, offset, data: Uint8Array.from(slice) }),
      )
      bytes += slice.byteLength
      offset += slice.byteLength
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
