import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import { AgentError, type AgentErrorCode } from '../errors.ts'
import { verifyApprovals } from '../trust/approvals.ts'
import { verifyFreshness } from '../trust/freshness.ts'
import { verifyRootChain } from '../trust/root-chain.ts'
import type { Identity } from '../trust/state.ts'
import {
  type Accepted,
  checkDigest,
  verifyManifest,
  verifyRoot,
  verifySnapshot,
} from '../trust/verify.ts'

/** All that a verdict depends on: bytes as they came, what was accepted before, and the time. */
export interface VerifyCase {
  /** The root statement that was pinned. */
  readonly root: Uint8Array
  readonly rootChain: readonly Uint8Array[]
  readonly state: Accepted
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

async function acceptCase(given: VerifyCase): Promise<void> {
  const { identity, state } = given
  const pinned = { root: await verifyRoot(given.root), envelope: given.root }
  const { root } = await verifyRootChain(pinned, given.rootChain)
  if (given.freshness) {
    await verifyFreshness(given.freshness, root, identity, given.nonce ?? '', state)
  }
  if (!given.snapshot) return
  const now = given.at * 1000
  const { snapshot } = await verifySnapshot(given.snapshot, root, identity, state, now)
  await verifyApprovals(snapshot, null, given.approvals, root, identity, now)
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

/** @throws TypeError */
export function readState(value: unknown): Accepted {
  if (!isRecord(value)) throw new TypeError('state is not an object')
  const { epoch, sequence, snapshotDigest } = value
  if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(sequence)) {
    throw new TypeError('state: epoch and sequence are integers')
  }
  if (snapshotDigest !== null && !isDigest(snapshotDigest)) {
    throw new TypeError('state: snapshotDigest is a digest or null')
  }
  return { epoch: epoch as number, sequence: sequence as number, snapshotDigest }
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
