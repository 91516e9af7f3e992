import type { Digest } from '@groundswell/proto/digest.ts'
import type { ChainHead } from './chain.ts'

/** Lines whose digests are at hand; agents that are connected know newer ones. */
export const headsLimit = 16_384

/**
 * Digests of the newest lines, so that agents that were told of one can be heard as witnesses
 * (T38): a ledger that was written anew has another line there. One that the ledger has not got to
 * is not judged here: another hub may be a moment ahead, and the agent tells what it makes of it.
 */
export function createHeads() {
  const digests = new Map<number, Digest>()
  return {
    note({ index, digest }: ChainHead): void {
      digests.set(index, digest)
      digests.delete(index - headsLimit)
    },
    /** The digest of a line, while it is at hand. */
    digestAt: (index: number): Digest | undefined => digests.get(index),
    /** Whether a ledger of so many lines has this one, as far as it is at hand. */
    has: ({ index, digest }: ChainHead, last: number): boolean =>
      index <= last && (digests.get(index) ?? digest) === digest,
  }
}

export type Heads = ReturnType<typeof createHeads>
