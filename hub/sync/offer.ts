import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { SnapshotApplication } from '@groundswell/proto/statement.ts'
import { type SigningKey, signStatement } from '../bundle/sign.ts'
import { listApplications, nextSnapshot } from '../bundle/snapshot.ts'
import { HubError } from '../errors.ts'
import type { Enrolment } from '../ledger/entry.ts'
import type { Assignment } from '../rollout/rollout.ts'
import { createSerial } from '../rollout/serial.ts'
import type { SignedSnapshot, SnapshotStore } from './redis.ts'

/** Where an agent says it is: the last snapshot it accepted; 0 and empty when there is none. */
export interface AgentPosition {
  readonly epoch: number
  readonly sequence: number
  readonly digest: string
}

export interface Offered extends SignedSnapshot {
  readonly list: readonly SnapshotApplication[]
}

/** A snapshot is signed anew this long before it expires, should nothing else change it. */
const renewSeconds = 15 * 24 * 3600
/** Other hubs may sign for the same cluster first, but not for ever. */
const putAttempts = 5

export interface OfferDeps {
  readonly fleet: string
  readonly epoch: number
  readonly keys: readonly SigningKey[]
  readonly store: SnapshotStore
  readonly assignments: (cluster: string) => readonly Assignment[]
  readonly clock: () => number
  /** Called for each snapshot signed. */
  readonly onSigned?: () => void
}

/**
 * Decides what to offer an agent: nothing when it already has what it should, the snapshot signed
 * before when that still says it, else a newly signed one. The sequence follows the higher of the
 * hub's record and what the agent reports, so that a lost record never reuses one.
 */
export function createOffers(deps: OfferDeps) {
  const serial = createSerial()

  /** One look at a time for a cluster: two streams of it must not sign one sequence twice. */
  return (enrolment: Enrolment, at: AgentPosition) =>
    serial.run(enrolment.clusterId, () => offerFor(enrolment, at))

  async function offerFor(
    enrolment: Enrolment,
    at: AgentPosition,
    attempts = putAttempts,
  ): Promise<{ offer: Offered | null; current: Offered | null }> {
    const list = listApplications(deps.assignments(enrolment.cluster))
    if (list.length === 0 && at.sequence === 0) return { offer: null, current: null }
    const applications = digestOf(canonicalJson(list))
    const last = await deps.store.get(enrolment.clusterId)
    const stands = last !== undefined && last.epoch === deps.epoch
    const fresh = stands && (last.expiresAt - renewSeconds) * 1000 > deps.clock()
    if (fresh && last.applications === applications && last.sequence >= at.sequence) {
      const current = { ...last, list }
      if (last.sequence > at.sequence) return { offer: current, current }
      if (last.digest === at.digest) return { offer: null, current }
    }
    // Assignments are decided again from the ledger before this can run, so an empty list here
    // means that nothing was ever assigned: an agent that holds content keeps it.
    if (list.length === 0) return { offer: null, current: null }
    const sequence = Math.max(stands ? last.sequence : 0, at.epoch === deps.epoch ? at.sequence : 0)
    const previous = stands && last.sequence === sequence ? last.digest : toDigest(at.digest)
    const snapshot = nextSnapshot(
      { fleet: deps.fleet, clusterId: enrolment.clusterId, clusterUid: enrolment.clusterUid },
      list,
      { epoch: deps.epoch, sequence, digest: previous },
      deps.clock(),
    )
    const { envelope, digest } = await signStatement('snapshot', snapshot, deps.keys)
    deps.onSigned?.()
    const signed = {
      epoch: deps.epoch,
      sequence: snapshot.sequence,
      digest,
      applications,
      expiresAt: snapshot.expiresAt,
      envelope,
    }
    // Recorded before it is sent: one digest for each sequence, whatever crashes.
    if (!(await deps.store.put(enrolment.clusterId, signed, last))) {
      // Another hub signed meanwhile: what it said is looked at like anything said before.
      if (attempts <= 1) throw new HubError('conflict', 'another hub signs for this cluster')
      return offerFor(enrolment, at, attempts - 1)
    }
    const offer = { ...signed, list }
    return { offer, current: offer }
  }
}

function toDigest(text: string): Digest | null {
  return text.startsWith('sha256:') ? (text as Digest) : null
}
