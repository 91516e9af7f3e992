import { canonicalJson } from '@groundswell/proto/canonical.ts'
import type { Digest } from '@groundswell/proto/digest.ts'
import { leaveAll, type Snapshot, type SnapshotApplication } from '@groundswell/proto/statement.ts'
import type { Assignment } from '../rollout/rollout.ts'

/** Where a cluster's snapshots stand: the last one signed, or zero and null. */
export interface SnapshotPosition {
  readonly epoch: number
  readonly sequence: number
  readonly digest: Digest | null
}

export interface SnapshotSubject {
  readonly fleet: string
  readonly clusterId: string
  readonly clusterUid: string
}

const lifeSeconds = 30 * 24 * 3600

/** Characters of all ids that one snapshot leaves to others; what would be too long for an agent leaves all. */
const mostLeft = 256 * 1024

/**
 * What a cluster is assigned → the list its snapshot carries. A tombstone stays until the record
 * of it is dropped; an application that was never assigned is simply not mentioned.
 */
export function listApplications(assignments: readonly Assignment[]): SnapshotApplication[] {
  let left = 0
  return [...assignments]
    .sort((a, b) => (a.application < b.application ? -1 : 1))
    .map((assignment): SnapshotApplication => {
      const { application: name, generation, digest, size, revision, undo } = assignment
      left += assignment.leave?.join('').length ?? 0
      const leave = left > mostLeft && assignment.leave ? leaveAll : assignment.leave
      const deletionPolicy = assignment.deletionPolicy ?? 'Delete'
      const sparing = { ...(leave && { leave }), ...(undo && { undo }) }
      return digest === null
        ? { name, generation, state: 'removed', deletionPolicy, ...sparing }
        : { name, generation, state: 'present', manifest: { digest, size }, revision, ...sparing }
    })
}

/** The statement that follows `position`; `now` in milliseconds. */
export function nextSnapshot(
  subject: SnapshotSubject,
  applications: readonly SnapshotApplication[],
  position: SnapshotPosition,
  now: number,
): Snapshot {
  const issuedAt = Math.floor(now / 1000)
  return {
    v: 1,
    fleet: subject.fleet,
    aud: subject.clusterId,
    clusterUid: subject.clusterUid,
    epoch: position.epoch,
    sequence: position.sequence + 1,
    previous: position.digest,
    issuedAt,
    expiresAt: issuedAt + lifeSeconds,
    applications,
  }
}

const spelt = new WeakMap<readonly SnapshotApplication[], string>()

/** Canonical JSON of a list. Clusters that run the same may share one list: it is spelt once. */
export function spellApplications(applications: readonly SnapshotApplication[]): string {
  const known = spelt.get(applications)
  if (known !== undefined) return known
  const text = canonicalJson(applications)
  spelt.set(applications, text)
  return text
}

/** Canonical JSON of a snapshot. */
export function spellSnapshot({ applications, ...own }: Snapshot): string {
  // `applications` is the first of its members by code unit.
  return `{"applications":${spellApplications(applications)},${canonicalJson({ ...own }).slice(1)}`
}
