import type { VerifiedSnapshot } from '../../trust/verified.ts'
import { type AppliedBy, isLater } from './inventory-store.ts'

/* A trust state that was set back, by a restored Secret say, opens an older snapshot as if it were the newest. The
   inventories beside it tell. */

/** Where a snapshot stands; undefined of one that stands nowhere, as in tests. */
export function appliedBy({ snapshot }: VerifiedSnapshot): AppliedBy | undefined {
  const { aud, epoch, sequence } = snapshot
  return aud === undefined ? undefined : { clusterId: aud, epoch, sequence }
}

/** Why a snapshot is not to be carried out; undefined where nothing later was applied. */
export function describeOvertaken(
  latest: AppliedBy | undefined,
  now: AppliedBy | undefined,
): string | undefined {
  if (!latest || !now || !isLater(latest, now)) return undefined
  return `sequence ${latest.sequence} of epoch ${latest.epoch} was applied here, and what this agent remembers is sequence ${now.sequence} of epoch ${now.epoch}: its trust state was set back; all stays as it is until the hub says what is newest`
}
