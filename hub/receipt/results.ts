import type { Digest } from '@groundswell/proto/digest.ts'
import type { SharedResults } from './redis.ts'

/** What came of each object, by the digest that a receipt names. */
export interface Results {
  readonly store: (results: ReadonlyMap<Digest, Uint8Array>) => Promise<void>
  readonly read: (digest: Digest) => Promise<Uint8Array | undefined>
}

/**
 * Results of this hub's own, and beside them those that replicas share. Sharing is for who looks: where
 * it fails, a receipt is kept all the same.
 */
export function shareResults(
  own: Results,
  shared: SharedResults,
  onError: (error: unknown) => void,
): Results {
  return {
    async store(results) {
      await own.store(results)
      await shared.store(results).catch(onError)
    },
    async read(digest) {
      const mine = await own.read(digest)
      if (mine) return mine
      return shared.read(digest).catch((error: unknown) => {
        onError(error)
        return undefined
      })
    },
  }
}
