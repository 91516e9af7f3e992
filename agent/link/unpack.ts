import { fromBinary } from '@bufbuild/protobuf'
import { type Digest, digestOf, isDigest } from '@groundswell/proto/digest.ts'
import {
  type Content,
  Encoding,
  PackSchema,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { AgentError } from '../errors.ts'
import { checkDigest } from '../trust/verify.ts'
import type { Beginnings } from './beginnings.ts'

/** Decompression bounded by `limit` bytes; given in, so that this file stays pure. */
export type Decompress = (bytes: Uint8Array, limit: number) => Promise<Uint8Array>

/** A pack never decodes to more than this. */
const packLimit = 1024 * 1024
/** Blobs begun and not finished; an honest hub sends one after the other. */
const begunLimit = 4

interface Begun {
  readonly size: number
  /** Grows with what came: a size that was only stated costs nothing. */
  buffer: Uint8Array
  filled: number
  /** Bytes of it that an earlier stream brought. */
  resumed: number
}

export interface Assembly {
  /** @throws AgentError `size_mismatch`, `digest_mismatch`, `object_malformed`, `too_much_data` */
  take(content: Content, decompress: Decompress): Promise<{ digest: Digest; bytes: Uint8Array }[]>
  /** Bytes taken of what was wanted; nothing else counts as progress. */
  readonly progress: number
  /** What earlier streams brought of what is wanted. */
  readonly begun: readonly { readonly digest: Digest; readonly offset: number }[]
  /** Blobs that did not go on as they had begun: to be asked for from their start, once each. */
  takeSpoilt(): Digest[]
  /** Hands over what is begun, for another stream to go on with. */
  leave(beginnings: Beginnings): void
}

/**
 * Puts wanted blobs together from packs. Only what was wanted is taken, at the size that was
 * declared, and each blob is checked against its digest before it is handed out.
 */
export function createAssembly(
  wanted: ReadonlyMap<Digest, number | undefined>,
  sizeLimit: number,
  beginnings?: Beginnings,
): Assembly {
  const open = new Map<Digest, Begun>()
  const finished = new Set<Digest>()
  let spoilt: Digest[] = []
  let progress = 0
  for (const [digest, declared] of wanted) {
    // An honest hub begins others beside them.
    if (open.size >= begunLimit / 2) break
    const found = beginnings?.take(digest, declared)
    if (!found) continue
    const { size, bytes } = found
    open.set(digest, { size, buffer: bytes, filled: bytes.byteLength, resumed: bytes.byteLength })
  }
  const begun = [...open].map(([digest, { filled }]) => ({ digest, offset: filled }))

  function begin(digest: Digest, size: number): Begun {
    if (open.size >= begunLimit) {
      throw new AgentError('too_much_data', 'the hub begins blobs and does not finish them')
    }
    const blob = { size, buffer: new Uint8Array(0), filled: 0, resumed: 0 }
    open.set(digest, blob)
    return blob
  }

  async function take(
    content: Content,
    decompress: Decompress,
  ): Promise<{ digest: Digest; bytes: Uint8Array }[]> {
    const pack = await decode(content, decompress)
    const done: { digest: Digest; bytes: Uint8Array }[] = []
    for (const { digest, size, offset, data } of pack.parts) {
      if (!isDigest(digest) || !wanted.has(digest) || finished.has(digest)) continue
      const declared = wanted.get(digest)
      if (size > sizeLimit || (declared !== undefined && size !== declared)) {
        throw new AgentError('size_mismatch', `${digest}: ${size} bytes, not ${declared}`)
      }
      let blob = open.get(digest) ?? begin(digest, size)
      // A hub that does not go on with a beginning sends the whole.
      if (offset === 0 && blob.resumed > 0 && blob.filled === blob.resumed) {
        open.delete(digest)
        blob = begin(digest, size)
      }
      if (
        size !== blob.size ||
        offset !== blob.filled ||
        data.byteLength > blob.size - blob.filled
      ) {
        throw new AgentError('size_mismatch', `${digest}: a part does not fit`)
      }
      append(blob, data)
      progress += data.byteLength
      if (blob.filled < blob.size) continue
      open.delete(digest)
      const bytes = blob.buffer.subarray(0, blob.size)
      // Its beginning may be of a hub that lied: the one that is here now gets to send all of it.
      if (blob.resumed > 0 && digestOf(bytes) !== digest) {
        spoilt.push(digest)
        continue
      }
      finished.add(digest)
      checkDigest(bytes, digest)
      done.push({ digest, bytes })
    }
    return done
  }

  return {
    take,
    get progress() {
      return progress
    },
    begun,
    takeSpoilt() {
      const taken = spoilt
      spoilt = []
      return taken
    },
    leave(to) {
      for (const [digest, { size, buffer, filled }] of open) {
        to.keep(digest, { size, bytes: buffer.subarray(0, filled) })
      }
      open.clear()
    },
  }
}

/**
 * Whole blobs that came along with an offer, each checked against its digest; slices are left out.
 * @throws AgentError `size_mismatch`, `digest_mismatch`, `object_malformed`
 */
export async function unpackPush(
  contents: readonly Content[],
  decompress: Decompress,
): Promise<ReadonlyMap<Digest, Uint8Array>> {
  const blobs = new Map<Digest, Uint8Array>()
  for (const content of contents) {
    const pack = await decode(content, decompress)
    for (const { digest, size, data } of pack.parts) {
      if (!isDigest(digest) || data.byteLength !== size) continue
      checkDigest(data, digest)
      blobs.set(digest, data)
    }
  }
  return blobs
}

function append(blob: Begun, data: Uint8Array): void {
  const needed = blob.filled + data.byteLength
  if (needed > blob.buffer.byteLength) {
    const grown = new Uint8Array(Math.min(blob.size, needed * 2))
    grown.set(blob.buffer.subarray(0, blob.filled))
    blob.buffer = grown
  }
  blob.buffer.set(data, blob.filled)
  blob.filled = needed
}

async function decode(content: Content, decompress: Decompress) {
  if (content.decodedSize > packLimit || content.pack.byteLength > packLimit) {
    throw new AgentError('size_mismatch', 'a pack is larger than allowed')
  }
  const bytes = await unpacked(content, decompress)
  if (bytes.byteLength !== content.decodedSize) {
    throw new AgentError('size_mismatch', 'a pack does not decode to the size it states')
  }
  try {
    return fromBinary(PackSchema, bytes, { readUnknownFields: false })
  } catch (cause) {
    throw new AgentError('object_malformed', 'a pack cannot be decoded', { cause })
  }
}

async function unpacked(content: Content, decompress: Decompress): Promise<Uint8Array> {
  switch (content.encoding) {
    case Encoding.ZSTD:
      try {
        return await decompress(content.pack, content.decodedSize)
      } catch (cause) {
        throw new AgentError('object_malformed', 'a pack cannot be decompressed', { cause })
      }
    case Encoding.IDENTITY:
      return content.pack
    case Encoding.UNSPECIFIED:
      // Only `missing` travels without a pack.
      if (content.pack.byteLength === 0) return content.pack
  }
  throw new AgentError('object_malformed', 'a pack in an encoding that is not known')
}
