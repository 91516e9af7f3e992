import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { manifestLimits } from '@groundswell/proto/manifest.ts'
import type { Redis } from 'ioredis'
import { isOfAnotherKind, orLost } from '../redis.ts'
import type { Blob, ContentStore } from './content.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** Blobs smaller than this are kept as they are: compressing them gains nothing. */
const compressFrom = 256

/**
 * Content in Redis, compressed, one key a blob. It is a cache of what Git renders to: losing it
 * costs renders, never truth. Blobs read lately are kept in memory up to `memoryBytes`.
 */
export function createContentStore(
  redis: Redis,
  prefix: string,
  clock: () => number,
  memoryBytes = 32 * 1024 * 1024,
): ContentStore {
  const key = (digest: Digest): string => `${prefix}:content:${digest}`
  /** When each was wanted last. */
  const ages = `${prefix}:content`
  const recent = createRecent(memoryBytes)

  async function missing(digests: readonly Digest[]): Promise<Digest[]> {
    if (digests.length === 0) return []
    // Nearly always all of them are here, and one number says so.
    const here = await redis.exists(...digests.map(key)).catch(() => 0)
    if (here === digests.length) return []
    const pipeline = redis.pipeline()
    for (const digest of digests) pipeline.exists(key(digest))
    const answers = (await pipeline.exec()) ?? []
    return digests.filter((_, index) => answers[index]?.[1] !== 1)
  }

  async function put(blobs: readonly Blob[]): Promise<void> {
    const absent = new Set(await missing(blobs.map(({ digest }) => digest)))
    const pipeline = redis.pipeline()
    for (const { digest, bytes } of blobs) {
      if (absent.delete(digest)) pipeline.set(key(digest), await encode(bytes))
    }
    // Also for what is here already: it is wanted anew, and must not be swept for its age.
    const noteAges = (within: typeof pipeline) =>
      blobs.reduce((all, { digest }) => all.zadd(ages, clock(), digest), within)
    const answers = (await noteAges(pipeline).exec()) ?? []
    if (!answers.some(([error]) => isOfAnotherKind(error))) return
    // Made into something else by whoever may write there: as good as lost, and begun anew.
    await noteAges(redis.pipeline().unlink(ages)).exec()
  }

  const reading = new Map<Digest, Promise<ReadonlyMap<Digest, Uint8Array>>>()

  async function read(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, Uint8Array>> {
    const stored = await redis.mgetBuffer(...digests.map(key))
    const found = new Map<Digest, Uint8Array>()
    for (const [index, digest] of digests.entries()) {
      const value = stored[index]
      const bytes = value ? await decode(value).catch(() => undefined) : undefined
      // Whoever may write to Redis may have changed it: what is not itself must not count as here.
      if (!bytes || digestOf(bytes) !== digest) {
        await redis.unlink(key(digest))
        continue
      }
      recent.set(digest, bytes)
      found.set(digest, bytes)
    }
    return found
  }

  /** After a commit all agents want the same blobs at once: each is read and unpacked only once. */
  async function get(digests: readonly Digest[]): Promise<(Uint8Array | undefined)[]> {
    const found = digests.map((digest) => recent.get(digest))
    const wanted = digests.filter((_, index) => !found[index])
    if (wanted.length === 0) return found
    const fresh = [...new Set(wanted)].filter((digest) => !reading.has(digest))
    if (fresh.length > 0) {
      const batch = read(fresh)
      for (const digest of fresh) reading.set(digest, batch)
      const forget = (): void => fresh.forEach((digest) => reading.delete(digest))
      batch.then(forget, forget)
    }
    const reads = await Promise.all(wanted.map(async (digest) => reading.get(digest)))
    const unpacked = new Map(wanted.map((digest, index) => [digest, reads[index]?.get(digest)]))
    return digests.map((digest, index) => found[index] ?? unpacked.get(digest))
  }

  async function sweep(keep: ReadonlySet<Digest>, minimumAge: number): Promise<number> {
    const old = await orLost(redis.zrangebyscore(ages, 0, clock() - minimumAge), [])
    const dead = (old as Digest[]).filter((digest) => !keep.has(digest))
    for (let at = 0; at < dead.length; at += 500) {
      const batch = dead.slice(at, at + 500)
      await redis
        .pipeline()
        .unlink(...batch.map(key))
        .zrem(ages, ...batch)
        .exec()
    }
    return dead.length
  }

  return { missing, put, get, sweep }
}

/** First byte says how the rest is kept. */
async function encode(bytes: Uint8Array): Promise<Buffer> {
  if (bytes.byteLength < compressFrom) return Buffer.concat([Buffer.of(0), bytes])
  return Buffer.concat([Buffer.of(1), await compress(bytes)])
}

async function decode(stored: Buffer): Promise<Uint8Array> {
  const body = stored.subarray(1)
  if (stored[0] === 0) return body
  return decompress(body, { maxOutputLength: manifestLimits.objectBytes })
}

/** Least recently used blobs, bounded by bytes. */
function createRecent(limit: number) {
  const blobs = new Map<Digest, Uint8Array>()
  let bytes = 0
  return {
    get(digest: Digest): Uint8Array | undefined {
      const found = blobs.get(digest)
      if (found) {
        blobs.delete(digest)
        blobs.set(digest, found)
      }
      return found
    },
    set(digest: Digest, blob: Uint8Array): void {
      if (blobs.has(digest) || blob.byteLength > limit / 4) return
      blobs.set(digest, blob)
      bytes += blob.byteLength
      for (const [oldest, old] of blobs) {
        if (bytes <= limit) break
        blobs.delete(oldest)
        bytes -= old.byteLength
      }
    },
  }
}
