import type { Decompress } from '../../agent/link/unpack.ts'

interface Known {
  readonly packed: Buffer
  readonly limit: number
  readonly bytes: Promise<Uint8Array>
}

const most = 8

/**
 * Decompresses a pack once for all agents of a process that are sent the same bytes: theirs are a thousand
 * machines, here they share one core. What is in it, each of them checks by its digest all the same.
 */
export function createSharedPacks(decompress: Decompress): Decompress {
  const known: Known[] = []
  return (packed, limit) => {
    const same = known.find((one) => one.limit === limit && one.packed.equals(packed))
    if (same) return same.bytes
    const bytes = decompress(packed, limit)
    // A copy: what comes from the wire may be written over.
    known.unshift({ packed: Buffer.from(packed), limit, bytes })
    known.length = Math.min(known.length, most)
    return bytes
  }
}
