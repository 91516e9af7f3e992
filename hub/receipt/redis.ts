import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { receiptLimits } from '@groundswell/proto/receipt.ts'
import type { Redis } from 'ioredis'
import { isOfAnotherKind } from '../redis.ts'

const pack = promisify(gzip)
const unpack = promisify(gunzip)
/** Together some 32 MiB at most: results that are longer, or older, are where they were stored. */
const bounds = { entries: 2_000, bytes: 16 * 1024 } as const

/** What came of each object of the newest receipts, for replicas that did not take them. */
export interface SharedResults {
  store(results: ReadonlyMap<Digest, Uint8Array>): Promise<void>
  /** Undefined when it is not here, or is not what its digest says (T32). */
  read(digest: Digest): Promise<Uint8Array | undefined>
}

export function createSharedResults(
  redis: Redis,
  prefix: string,
  clock: () => number,
  limits: { readonly entries: number; readonly bytes: number } = bounds,
): SharedResults {
  const key = `${prefix}:receipt-results`
  const byAge = `${key}:by-age`
  return {
    async store(results) {
      const adding = redis.multi()
      const now = clock()
      for (const [digest, bytes] of results) {
        const packed = await pack(bytes)
        if (packed.byteLength > limits.bytes) continue
        adding.hset(key, digest, packed).zadd(byAge, now, digest)
      }
      const answers = (await adding.exec()) ?? []
      // What somebody made into something of another kind is begun anew: results are where they were stored.
      if (answers.some(([error]) => isOfAnotherKind(error))) await redis.unlink(key, byAge)
      const oldest = await redis.zrange(byAge, 0, String(-limits.entries - 1))
      if (oldest.length === 0) return
      await redis
        .multi()
        .hdel(key, ...oldest)
        .zrem(byAge, ...oldest)
        .exec()
    },
    async read(digest) {
      const packed = await redis.hgetBuffer(key, digest)
      if (!packed) return undefined
      const bytes = await unpack(packed, { maxOutputLength: receiptLimits.results }).catch(
        () => undefined,
      )
      return bytes && digestOf(bytes) === digest ? bytes : undefined
    },
  }
}
