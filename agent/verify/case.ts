import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import type { Snapshot } from '@groundswell/proto/statement.ts'
import { AgentError, type AgentErrorCode } from '../errors.ts'
import { verifyApprovals } from '../trust/approvals.ts'
import { verifyFreshness } from '../trust/freshness.ts'
import { settleDoubt } from '../trust/mirror.ts'
import { verifyRootChain } from '../trust/root-chain.ts'
import { readEnvelope } from '../trust/signature.ts'
import type { AuditFault, AuditHead, Identity, TrustState } from '../trust/state.ts'
import { parseFreshness, parseSnapshot } from '../trust/statement.ts'
import {
  type Accepted,
  checkDigest,
  verifyManifest,
  verifyRoot,
  verifySnapshot,
} from '../trust/verify.ts'
import { witnessHead } from '../trust/witness.ts'

/** All that a verdict depends on: bytes as they came, what was accepted before, and the time. */
export interface VerifyCase {
  /** The root statement that was pinned. */
  readonly root: Uint8Array
  readonly rootChain: readonly Uint8Array[]
  readonly state: Remembered
  /** The snapshot accepted before: its content needs no approval again. */
  readonly accepted?: Uint8Array
  readonly identity: Identity
  readonly snapshot?: Uint8Array
  readonly approvals: readonly Uint8Array[]
  readonly freshness?: Uint8Array
  /** Base64url, as it was asked with. */
  readonly nonce?: string
  /** Blobs by the digest they are offered under; without it content is not looked at. */
  readonly content?: ReadonlyMap<Digest, Uint8Array>
  /** Seconds since the Unix epoch. */
  readonly at: number
}

/** What an agent has kept of before. */
export type Remembered = Accepted &
  Pick<TrustState, 'timeFloor' | 'doubt' | 'auditHead'> & {
    /** The last head of the ledger was told below the furthest. */
    readonly below?: boolean
  }

export type Verdict = 'accept' | AgentErrorCode

/**
 * What an agent would say to all of this, by the same checks in the same order: root, chain,
 * freshness, snapshot, approvals, content.
 */
export async function judgeCase(given: VerifyCase): Promise<Verdict> {
  try {
    await acceptCase(given)
    return 'accept'
  } catch (error) {
    if (error instanceof AgentError) return error.code
    throw error
  }
}

/** What an agent would tell of the ledger after the freshness statement that is given (T38). */
export async function witnessCase(given: VerifyCase): Promise<AuditFault['code'] | null> {
  if (!given.freshness) return null
  const payload = readEnvelope(given.freshness, 'freshness').payload
  const told = parseFreshness(Buffer.from(payload, 'base64url'))
  return witnessHead(given.state, told).auditFault?.code ?? null
}

async function acceptCase(given: VerifyCase): Promise<void> {
  const { identity } = given
  const pinned = { root: await verifyRoot(given.root), envelope: given.root }
  const newest = await verifyRootChain(pinned, given.rootChain)
  const { root } = newest
  let state: TrustState = { ...given.state, root: newest.envelope, envelope: null }
  if (given.freshness) {
    const nonce = given.nonce ?? ''
    state = settleDoubt(state, await verifyFreshness(given.freshness, root, identity, nonce, state))
  }
  if (!given.snapshot) return
  // A floor is of its epoch.
  const floor = root.epoch > pinned.root.epoch ? 0 : (state.timeFloor ?? 0)
  const now = Math.max(given.at, floor) * 1000
  const { snapshot } = await verifySnapshot(given.snapshot, root, identity, state, now)
  if (state.doubt !== undefined) throw new AgentError('trust_state_doubtful', state.doubt)
  const before = given.accepted ? readSnapshot(given.accepted) : null
  await verifyApprovals(snapshot, before, given.approvals, root, identity, now)
  const { content } = given
  if (!content) return
  const find = (digest: Digest): Uint8Array => {
    const bytes = content.get(digest)
    if (!bytes) throw new AgentError('content_missing', `${digest} is missing`)
    return bytes
  }
  for (const application of snapshot.applications) {
    if (application.state === 'removed') continue
    const manifest = verifyManifest(find(application.manifest.digest), application)
    for (const { digest } of manifest.objects) checkDigest(find(digest), digest)
  }
}

function readSnapshot(envelope: Uint8Array): Snapshot {
  return parseSnapshot(Buffer.from(readEnvelope(envelope, 'snapshot').payload, 'base64url'))
}

/** @throws TypeError */
export function readState(value: unknown): Remembered {
  if (!isRecord(value)) throw new TypeError('state is not an object')
  const { epoch, sequence, snapshotDigest } = value
  if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(sequence)) {
    throw new TypeError('state: epoch and sequence are integers')
  }
  if (snapshotDigest !== null && !isDigest(snapshotDigest)) {
    throw new TypeError('state: snapshotDigest is a digest or null')
  }
  const { timeFloor, doubt, auditHead, below } = value
  if (timeFloor !== undefined && !Number.isSafeInteger(timeFloor)) {
    throw new TypeError('state: timeFloor is in whole seconds')
  }
  if (doubt !== undefined && typeof doubt !== 'string') throw new TypeError('state: doubt')
  return {
    ...{ epoch: epoch as number, sequence: sequence as number, snapshotDigest },
    ...(timeFloor === undefined ? {} : { timeFloor: timeFloor as number }),
    ...(doubt === undefined ? {} : { doubt }),
    ...(auditHead === undefined ? {} : { auditHead: readHead(auditHead) }),
    ...(below === true ? { below } : {}),
  }
}

function readHead(value: unknown): AuditHead {
  if (isRecord(value)) {
    const { index, digest } = value
    if (Number.isSafeInteger(index) && isDigest(digest)) return { index: index as number, digest }
  }
  throw new TypeError('state: auditHead has index and digest')
}

/** @throws TypeError */
export function readIdentity(value: unknown): Identity {
  if (!isRecord(value)) throw new TypeError('identity is not an object')
  const text = (member: string): string => {
    const found = value[member]
    if (typeof found !== 'string') throw new TypeError(`identity: ${member} is not text`)
    return found
  }
  return {
    fleet: text('fleet'),
    cluster: text('cluster'),
    clusterId: text('clusterId'),
    clusterUid: text('clusterUid'),
  }
}
