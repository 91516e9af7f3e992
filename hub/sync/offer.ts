import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Root, SnapshotApplication } from '@groundswell/proto/statement.ts'
import { listApplications, spellApplications, type SnapshotPosition } from '../bundle/snapshot.ts'
import { HubError } from '../errors.ts'
import type { Enrolment } from '../ledger/entry.ts'
import type { Assignment } from '../rollout/rollout.ts'
import { createSerial } from '../rollout/advance/serial.ts'
import type { AuditHead, Signer } from '../signer/signer.ts'
import type { Restraint } from './ahead.ts'
import type { SignedSnapshot, SnapshotStore } from './redis.ts'

/** Where an agent says it is: how far it has come, and the snapshot it holds; empty when none. */
export interface AgentPosition {
  readonly epoch: number
  readonly sequence: number
  readonly digest: string
}

export interface Offered extends SignedSnapshot {
  readonly list: readonly SnapshotApplication[]
  /** Envelopes of approvals of what is in the list. */
  readonly approvals?: readonly Uint8Array[]
}

/** A snapshot is signed anew this long before it expires, should nothing else change it. */
const renewSeconds = 15 * 24 * 3600
/** Other hubs may sign for the same cluster first, but not for ever. */
const putAttempts = 5

export interface OfferDeps {
  /** The newest root statement: its epoch is the one to sign in. */
  readonly root: () => Pick<Root, 'epoch' | 'version'>
  readonly signer: Pick<Signer, 'sign' | 'position'>
  readonly store: SnapshotStore
  readonly assignments: (cluster: string) => readonly Assignment[]
  /** Approvals of content in a list, for clusters whose root statement asks for them. */
  readonly approvals?: (
    cluster: string,
    list: readonly SnapshotApplication[],
  ) => readonly Uint8Array[]
  /**
   * Without what can only come together with something that is to be assigned in a moment; `wait` for that alone,
   * unless the agent holds nothing.
   */
  readonly listTogether?: (
    cluster: string,
    assignments: readonly Assignment[],
    holdsNothing: boolean,
  ) => readonly Assignment[] | 'wait'
  /** What may be offered to an agent that has come further than this hub knows; without it, all. */
  readonly restraint?: Pick<Restraint, 'isSuspect' | 'restrain' | 'runsBeyond'>
  /** The ledger's end, and whether a line is still what it was: it is not where a backup was restored. */
  readonly ledger?: { head(): AuditHead | null; has(head: AuditHead): boolean }
  readonly clock: () => number
  /** Called for each snapshot signed. */
  readonly onSigned?: () => void
  /** The signer would not, could not be asked, or is of an epoch that is over; null when it may sign again. */
  readonly onRefused?: (cluster: string, refusal: HubError | null) => void
}

/**
 * Decides what to offer an agent: nothing when it already has what it should, the snapshot signed
 * before when that still says it, else a newly signed one. The sequence follows the highest of the
 * signer's record, the hub's and what the agent reports, so that a lost record never reuses one.
 */
export function createOffers(deps: OfferDeps) {
  const serial = createSerial()
  const refused = new Set<string>()
  /** Whose agents follow a root statement of an epoch that this hub does not know. */
  const beyond = new Set<string>()
  const share = createSharedLists()

  /** One look at a time for a cluster: two streams of it must not sign one sequence twice. */
  return (
    enrolment: Enrolment,
    at: AgentPosition,
    /** What its stream was offered last: where the agent is, the store need not be asked. */
    known?: Offered | null,
  ) => serial.run(enrolment.clusterId, () => offerFor(enrolment, at, known))

  /** Told of, and asked again by whoever hears of it; anything but a refusal is thrown. */
  function refuse(cluster: string, error: unknown): void {
    if (!(error instanceof HubError) || !isRefusal(error)) throw error
    refused.add(cluster)
    deps.onRefused?.(cluster, error)
  }

  /**
   * Whether the agent, or what was signed for it, knows of more than this hub does; undefined where that
   * cannot be told before the agent has said what it runs. An emptied Redis knows nothing of a cluster, so the
   * signer's own record is asked then: but that may be newer than a ledger that was restored.
   *
   * @throws HubError `signer_unavailable`
   */
  async function isAhead(
    { cluster, clusterId }: Enrolment,
    at: AgentPosition,
    last: SignedSnapshot | undefined,
    assigned: readonly Assignment[],
  ): Promise<boolean | undefined> {
    const { restraint } = deps
    if (!restraint) return false
    if (restraint.isSuspect(cluster)) return true
    if (last?.ledger && deps.ledger?.has(last.ledger) === false) return true
    if (at.sequence === 0) return false
    const within = (known: { epoch: number; sequence: number } | null | undefined): boolean =>
      known?.epoch === at.epoch ? at.sequence <= known.sequence : (known?.epoch ?? 0) > at.epoch
    if (within(last)) return false
    if (!within(await deps.signer.position(clusterId).catch(passRefusal))) return true
    return at.digest === '' ? false : restraint.runsBeyond(cluster, assigned)
  }

  async function offerFor(
    enrolment: Enrolment,
    at: AgentPosition,
    known?: Offered | null,
    attempts = putAttempts,
  ): Promise<{ offer: Offered | null; current: Offered | null }> {
    const { cluster, clusterId, clusterUid } = enrolment
    const { epoch, version } = deps.root()
    // Whatever is signed in an epoch that is over is refused; and once offered, how far the agent has come in
    // its own would be forgotten, and sequences of it given out again.
    if (at.epoch > epoch) {
      beyond.add(cluster)
      refuse(cluster, describeBehind(at.epoch, { epoch, version }))
      return { offer: null, current: null }
    }
    if (beyond.delete(cluster)) deps.onRefused?.(cluster, null)
    const assigned = deps.assignments(cluster)
    if (assigned.length === 0 && at.sequence === 0) return { offer: null, current: null }
    // Should another hub have signed since, `put` says so, and it is read then.
    const last = known?.digest === at.digest ? known : await deps.store.get(clusterId)
    const stands = last !== undefined && last.epoch === epoch
    const told = toPosition(epoch, at)
    let given = deps.listTogether?.(cluster, assigned, at.digest === '') ?? assigned
    if (deps.restraint && given !== 'wait') {
      const ahead = await isAhead(enrolment, at, last, assigned).catch((error: unknown) => {
        refuse(cluster, error)
        return null
      })
      if (ahead === null || ahead === undefined) return { offer: null, current: null }
      if (ahead) given = deps.restraint.restrain(cluster, given)
    }
    if (given === 'wait') return { offer: null, current: null }
    const list = share(listApplications(given))
    const approvals = deps.approvals?.(cluster, list) ?? []
    const applications = digestOfAll(list, approvals, version)
    const fresh = stands && (last.expiresAt - renewSeconds) * 1000 > deps.clock()
    if (fresh && last.applications === applications && last.sequence >= told.sequence) {
      const current = { ...last, list, approvals }
      if (last.sequence > told.sequence) return { offer: current, current }
      if (last.digest === at.digest) return { offer: null, current }
      // It knows of this one and has it no more, or never had it: the same again, not another.
      if (at.digest === '') return { offer: current, current }
    }
    // Assignments are decided again from the ledger before this can run, so an empty list here
    // means that nothing was ever assigned: an agent that holds content keeps it.
    if (list.length === 0) return { offer: null, current: null }
    const floor = stands && last.sequence >= told.sequence ? toPosition(epoch, last) : told
    const request = { cluster, clusterId, clusterUid, applications: list, floor }
    const made = await deps.signer.sign(request).catch((error: unknown) => {
      refuse(cluster, error)
      return undefined
    })
    if (!made) return { offer: null, current: null }
    if (refused.delete(cluster)) deps.onRefused?.(cluster, null)
    deps.onSigned?.()
    const ledger = deps.ledger?.head()
    const signed = { ...made, applications, ...(ledger && { ledger }) }
    // Recorded before it is sent: one digest for each sequence, whatever crashes.
    if (!(await deps.store.put(clusterId, signed, last))) {
      // Another hub signed meanwhile: what it said is looked at like anything said before.
      if (attempts <= 1) throw new HubError('conflict', 'another hub signs for this cluster')
      return offerFor(enrolment, at, null, attempts - 1)
    }
    const offer = { ...signed, list, approvals }
    return { offer, current: offer }
  }
}

function describeBehind(
  told: number,
  { epoch, version }: Pick<Root, 'epoch' | 'version'>,
): HubError {
  const message = `the agent follows a root statement of epoch ${told}, and the newest here, version ${version}, is of epoch ${epoch}: this hub was restored from before; put the keys that the newer one names into its keys directory, and publish it again (\`swell trust publish\`)`
  return new HubError('root_behind', message)
}

/** A signer of a release that cannot be asked this knows nothing. */
function passRefusal(error: unknown): null {
  if (error instanceof HubError && error.code === 'invalid') return null
  throw error
}

function isRefusal({ code }: HubError): boolean {
  return code.startsWith('sign_') || code === 'signer_unavailable' || code === 'root_behind'
}

/** Different lists remembered: after a commit a fleet's clusters have few. */
const rememberedLists = 256

/** Gives equal lists as one, so that what is made of a list is made once for all its clusters. */
function createSharedLists() {
  const lists = new Map<string, readonly SnapshotApplication[]>()
  return (list: readonly SnapshotApplication[]): readonly SnapshotApplication[] => {
    // Made by one function, equal lists have their members in one order.
    const key = JSON.stringify(list)
    const known = lists.get(key)
    if (known) return known
    lists.set(key, list)
    for (const oldest of lists.keys()) {
      if (lists.size <= rememberedLists) break
      lists.delete(oldest)
    }
    return list
  }
}

const digests = new WeakMap<readonly SnapshotApplication[], Digest>()

/** Keys may change with a root version, approvals come later: either needs a new signature. */
function digestOfAll(
  list: readonly SnapshotApplication[],
  approvals: readonly Uint8Array[],
  rootVersion: number,
): Digest {
  const digest = digests.get(list) ?? digestOf(spellApplications(list))
  digests.set(list, digest)
  if (approvals.length === 0 && rootVersion === 1) return digest
  const others = canonicalJson(approvals.map((bytes) => digestOf(bytes)))
  return digestOf(`[${spellApplications(list)},${others},${rootVersion}]`)
}

function toPosition(epoch: number, at: AgentPosition): SnapshotPosition {
  if (at.epoch !== epoch) return { epoch, sequence: 0, digest: null }
  return { epoch, sequence: at.sequence, digest: toDigest(at.digest) }
}

function toDigest(text: string): Digest | null {
  return text.startsWith('sha256:') ? (text as Digest) : null
}
