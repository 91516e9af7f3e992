import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { AgentError } from '../errors.ts'

/** One place for content that outlives the agent's disk; replaced whole. */
export interface Shelf {
  /** For people. */
  readonly label: string
  /** What was written last; empty or null when nothing was. @throws AgentError `cluster_unreachable` */
  read(): Promise<Uint8Array | null>
  /** @throws AgentError `trust_state_unwritable`, `another_agent` */
  write(packed: Uint8Array): Promise<void>
}

/** A Secret holds a mebibyte, and the write of it has to fit beside what else the request says. */
export const shelfBytes = 960 * 1024
/** What a shelf unpacks to; more was never ours. */
export const shelfContentBytes = 16 * 1024 * 1024

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)
/** Says which format follows. */
const head = Buffer.from('gsc1')
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 6 } }

/** Blobs one after the other, each behind its length: their names are what their bytes hash to. */
export async function packShelf(blobs: readonly Uint8Array[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (const blob of blobs) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(blob.byteLength)
    parts.push(length, blob)
  }
  return Buffer.concat([head, await compress(Buffer.concat(parts), compression)])
}

/** @throws AgentError `object_malformed` when it is not what `packShelf` made */
export async function unpackShelf(packed: Uint8Array): Promise<readonly Uint8Array[]> {
  if (packed.byteLength === 0) return []
  if (Buffer.compare(packed.subarray(0, head.length), head) !== 0) throw damaged()
  let bytes: Buffer
  try {
    bytes = await decompress(packed.subarray(head.length), { maxOutputLength: shelfContentBytes })
  } catch (cause) {
    throw damaged(cause)
  }
  const blobs: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength;) {
    if (at + 4 > bytes.byteLength) throw damaged()
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.byteLength) throw damaged()
    blobs.push(bytes.subarray(at + 4, end))
    at = end
  }
  return blobs
}

function damaged(cause?: unknown): AgentError {
  return new AgentError('object_malformed', 'kept content is damaged', { cause })
}
