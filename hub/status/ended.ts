import type { ApplicationStatus, ClusterStatus } from './status.ts'

/** Something that an agent has done with. */
export interface Ended {
  readonly phase: 'Applied' | 'Failed' | 'Removed'
  /** Since its cluster was offered the snapshot that it runs; null when that is not known. */
  readonly seconds: number | null
}

/** The newest snapshot a cluster was offered, and when, in milliseconds. */
interface Offered {
  readonly sequence: number
  readonly at: number
}

/**
 * Applications that a report says are done with, and the one before did not. Repairs are not among
 * them: what was applied before stays so while it is put right.
 */
export function listEnded(
  next: ClusterStatus,
  before: ClusterStatus,
  offered: Offered | undefined,
  now: number,
): Ended[] {
  if (next.applications === before.applications) return []
  const known = offered !== undefined && next.sequence >= offered.sequence
  const seconds = known ? Math.max(0, now - offered.at) / 1_000 : null
  return Object.entries(next.applications).flatMap(([name, status]) => {
    const earlier = before.applications[name]
    if (status === earlier || !isEnd(status.phase) || isSame(status, earlier)) return []
    return [{ phase: status.phase, seconds }]
  })
}

function isEnd(phase: ApplicationStatus['phase']): phase is Ended['phase'] {
  return phase === 'Applied' || phase === 'Failed' || phase === 'Removed'
}

function isSame(status: ApplicationStatus, earlier: ApplicationStatus | undefined): boolean {
  return earlier?.generation === status.generation && earlier.phase === status.phase
}
