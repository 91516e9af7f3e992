import type { RecordSpan } from '@groundswell/proto/trace.ts'
import type { SignRequest } from '../signer/signer.ts'

/** Commits whose way is followed at a time; those before are over, or lost among so many. */
const mostCommits = 64

export interface CommitTrace {
  /** Somebody said that there is something new in a repository. */
  hinted(repository: string): void
  /** Another process, which tells of the stages before, is at this revision. */
  heard(revision: string): void
  /** A repository was looked at from `start` on, and is at this revision. */
  fetched(repository: string, revision: string, start: number): void
  /** All that was new was rendered, or could not be. */
  rendered(start: number, ok: boolean): void
  /** A snapshot was signed, or refused: null. */
  signed(request: SignRequest, sequence: number | null, start: number): void
  /** A cluster's agent is at this snapshot, so it was delivered. */
  accepted(cluster: string, sequence: number): void
}

interface Delivery {
  readonly sequence: number
  readonly revisions: readonly string[]
  readonly at: number
}

/**
 * Follows commits through the hub, from the push to the snapshots that agents accepted. What is
 * followed is what came while this process ran: a snapshot also lists what is older.
 */
export function createCommitTrace(record: RecordSpan, clock: () => number): CommitTrace {
  const hints = new Map<string, number>()
  /** Revision → clusters that a snapshot with it was signed for. */
  const followed = new Map<string, Set<string>>()
  const fresh = new Set<string>()
  const deliveries = new Map<string, Delivery>()

  function follow(revision: string, isOurs = true): void {
    followed.set(revision, new Set())
    if (isOurs) fresh.add(revision)
    for (const oldest of followed.keys()) {
      if (followed.size <= mostCommits) break
      followed.delete(oldest)
      fresh.delete(oldest)
    }
  }

  return {
    hinted: (repository) => void (hints.has(repository) || hints.set(repository, clock())),
    heard(revision) {
      if (!followed.has(revision)) follow(revision, false)
    },
    fetched(repository, revision, start) {
      const hint = hints.get(repository)
      hints.delete(repository)
      if (followed.has(revision)) return
      follow(revision)
      const end = clock()
      const attributes = { 'groundswell.repository': repository }
      const pushed = hint !== undefined && hint < start ? hint : start
      const common = { revision, end, ok: true, attributes }
      record({ ...common, stage: 'push', start: pushed })
      record({ ...common, stage: 'fetch', start })
    },
    rendered(start, ok) {
      for (const revision of fresh) record({ stage: 'render', revision, start, end: clock(), ok })
      fresh.clear()
    },
    signed({ cluster, applications }, sequence, start) {
      const listed = applications.flatMap((one) => (one.state === 'present' ? [one.revision] : []))
      const revisions = [...new Set(listed)].filter((revision) => {
        const clusters = followed.get(revision)
        if (!clusters || clusters.has(cluster)) return false
        if (sequence !== null) clusters.add(cluster)
        return true
      })
      const [end, ok] = [clock(), sequence !== null]
      const attributes = {
        'groundswell.cluster': cluster,
        ...(sequence !== null && { 'groundswell.sequence': sequence }),
      }
      for (const revision of revisions) {
        record({ stage: 'sign', revision, start, end, ok, attributes })
      }
      // One that an agent never came to is told with the next that it comes to.
      const earlier = deliveries.get(cluster)?.revisions ?? []
      const open = [...new Set([...earlier, ...revisions])].slice(-mostCommits)
      if (sequence !== null && open.length > 0) {
        deliveries.set(cluster, { sequence, revisions: open, at: end })
      }
    },
    accepted(cluster, sequence) {
      const delivery = deliveries.get(cluster)
      if (!delivery || sequence < delivery.sequence) return
      deliveries.delete(cluster)
      const attributes = { 'groundswell.cluster': cluster, 'groundswell.sequence': sequence }
      for (const revision of delivery.revisions) {
        const times = { start: delivery.at, end: clock() }
        record({ stage: 'deliver', revision, ...times, ok: true, attributes })
      }
    },
  }
}
