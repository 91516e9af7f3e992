import { runsOnDeletion } from '@groundswell/proto/apply-rules.ts'
import type { Digest } from '@groundswell/proto/digest.ts'
import type { VerifiedSnapshot } from './verified.ts'

/* Snapshots accepted before, of which something still runs because a hold keeps it, or is to run for a
   removal. */

/** One of them, with its envelope: it is judged again at the next start. */
export interface KeptSnapshot {
  readonly envelope: Uint8Array
  readonly snapshot: VerifiedSnapshot
}

/** Where their envelopes outlive the agent. */
export interface KeptStore {
  /** Null when nothing was ever saved here, or it cannot be read any more. */
  load(): Promise<readonly Uint8Array[] | null>
  save(envelopes: readonly Uint8Array[]): Promise<void>
}

/** Each holds at least one application that no newer one has so; more than this are let go. */
export const keptLimit = 16

/** Whether a snapshot removes an application whose content before has something to run for that. */
export function leavesHooks(before: VerifiedSnapshot, next: VerifiedSnapshot): boolean {
  const removed = new Set(
    next.applications.filter(({ state }) => state === 'removed').map(({ name }) => name),
  )
  return before.applications.some(
    (one) =>
      one.state === 'present' && removed.has(one.name) && one.manifest.objects.some(runsOnDeletion),
  )
}

/** Those that hold a manifest which is needed, newest first, as few as do. */
export function keepNeeded(
  kept: readonly KeptSnapshot[],
  needed: ReadonlySet<Digest>,
): readonly KeptSnapshot[] {
  const open = new Set(needed)
  return kept
    .filter(({ snapshot }) =>
      snapshot.applications
        .map((one) => one.state === 'present' && open.delete(one.manifestDigest))
        .includes(true),
    )
    .slice(0, keptLimit)
}
