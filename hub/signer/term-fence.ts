import { HubError } from '../errors.ts'

/** Keeps from being signed for who leads no more, of front ends that have one signer in common. */
export interface TermFence {
  /** @throws HubError `no_leader` once one of a newer term has asked */
  admit(term: number): void
}

/**
 * Terms only rise. It is not kept: what a front end of before had signed is never sent (`SnapshotStore.put`), this
 * keeps it out of the signer's record as well.
 */
export function createTermFence(): TermFence {
  let newest = 0
  return {
    admit(term) {
      if (term < newest) {
        throw new HubError('no_leader', `another front end asks for signatures in term ${newest}`)
      }
      newest = term
    },
  }
}
