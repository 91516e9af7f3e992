import { fromBinary } from '@bufbuild/protobuf'
import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import {
  type Content,
  Encoding,
  PackSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { AgentError } from '../errors.ts'
import { checkDigest } from '../trust/verify.ts'

/** Decompression bounded by `limit` bytes; given in, so that this file stays pure. */
export type Decompress = (bytes: Uint8Array, limit: number) => Promise<Uint8Array>

/** A pack never decodes to more than this. */
const packLimit = 1024 * 1024

/**
 * Puts wanted blobs together from packs. Only what was wanted is taken, at the size that was
 * declared, and each blob is checked against its digest before it is handed out.
 */
export function createAssembly(wanted: ReadonlyMap<Digest, number | undefined>, sizeLimit: number) {
  const open = new Map<Digest, { bytes: Uint8Array; filled: number }>()

  /** @throws AgentError `size_mismatch`, `digest_mismatch`, `object_malformed` */
  async function take(
    content: Content,
    decompress: Decompress,
  ): Promise<{ digest: Digest; bytes: Uint8Array }[]> {
    const pack = await decode(content, decompress)
    const done: { digest: Digest; bytes: Uint8Array }[] = []
    for (const part of pack.parts) {
      const { digest, size, offset, data } = part
      if (!isDigest(digest) || !wanted.has(digest)) continue
      const declared = wanted.get(digest)
      if (size > sizeLimit || (declared !== undefined && size !== declared)) {
        throw new AgentError('size_mismatch', `${digest}: ${size} bytes, not ${declared}`)
      }
      const blob = open.get(digest) ?? { bytes: new Uint8Array(size), filled: 0 }
      if (offset !== blob.filled || offset + data.byteLength > blob.bytes.byteLength) {
        throw new AgentError('size_mismatch', `${digest}: a part does not fit`)
      }
      blob.bytes.set(data, offset)
      blob.filled += data.byteLength
      open.set(digest, blob)
      if (blob.filled < blob.bytes.byteLength) continue
      open.delete(digest)
      checkDigest(blob.bytes, digest)
      done.push({ digest, bytes: blob.bytes })
    }
    return done
  }

  return { take }
}

async function decode(content: Content, decompress: Decompress) {
  if (content.decodedSize > packLimit || content.pack.byteLength > packLimit) {
    throw new AgentError('size_mismatch', 'a pack is larger than allowed')
  }
  try {
    const bytes =
      content.encoding === Encoding.ZSTD
        ? await decompress(content.pack, content.decodedSize)
        : content.pack
    return fromBinary(PackSchema, bytes, { readUnknownFields: false })
  } catch (cause) {
    throw new AgentError('object_malformed', 'a pack cannot be decoded', { cause })
  }
}
