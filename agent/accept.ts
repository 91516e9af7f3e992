import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Manifest } from '@groundswell/proto/manifest.ts'
import type { Root, Snapshot } from '@groundswell/proto/statement.ts'
import { AgentError, type AgentErrorCode } from './errors.ts'
import type { Pushed, Session } from './link/session.ts'
import { approversNeeded, reopenApprovals, verifyApprovals } from './trust/approvals.ts'
import { verifyRootChain } from './trust/root-chain.ts'
import { readEnvelope } from './trust/signature.ts'
import type { ContentCache, Identity, TrustState, TrustStore } from './trust/state.ts'
import type { VerifiedSnapshot } from './trust/verified.ts'
import { parseSnapshot } from './trust/statement.ts'
import {
  type CheckedSnapshot,
  acceptSnapshot,
  verifyManifest,
  verifyRoot,
  verifySnapshot,
} from './trust/verify.ts'

export interface AcceptDeps {
  readonly identity: Identity
  readonly root: Root
  readonly trust: TrustStore
  readonly content: ContentCache
  readonly clock: () => number
  /** Set while nothing here was read back since the start: what is at hand may be damaged, and is read first. */
  readonly unread?: boolean
  /** Writes down what has to be known before a snapshot counts. */
  readonly beforeAccepted?: (snapshot: VerifiedSnapshot) => Promise<void>
}

/** What came with an offer; none of it is believed more than what is asked for. */
export interface GivenAlong {
  readonly approvals?: readonly Uint8Array[]
  /** Content the hub thinks is lacking. */
  readonly pushed?: Pushed
}

/**
 * An offer, from untrusted bytes to a verified snapshot: check the statement, fetch what is
 * lacking, check every byte, write the trust state down. Only then may it be applied.
 *
 * @throws AgentError with the code that the verdict will carry
 */
export async function acceptOffer(
  envelope: Uint8Array,
  state: TrustState,
  session: Pick<Session, 'fetch'>,
  deps: AcceptDeps,
  given: GivenAlong = {},
): Promise<{ verified: VerifiedSnapshot; state: TrustState }> {
  const { identity, root } = deps
  const now = deps.clock()
  const checked = await verifySnapshot(envelope, root, identity, state, now)
  if (state.doubt !== undefined) {
    const message = `${state.doubt}: waiting for the signer to say where the sequence is`
    throw new AgentError('trust_state_doubtful', message)
  }
  const candidates = [...(given.approvals ?? []), ...(state.approvals ?? [])]
  // Read again only where it matters what was accepted before: most clusters need no approvals.
  const asks = approversNeeded(root, identity.cluster) > 0
  const before = asks && state.envelope ? readAccepted(state.envelope).snapshot : null
  const approvals = await verifyApprovals(checked.snapshot, before, candidates, root, identity, now)
  // Not looked at before it is known that a trusted key signed what it came with.
  const pushed = await given.pushed?.()
  const source: Source = (wanted, onBlob) => session.fetch(wanted, onBlob, pushed)
  const manifests = await fetchManifests(checked, source, deps.content)
  await fetchObjects(manifests, source, deps)
  const verified = await acceptSnapshot(checked, manifests, deps.content)
  const { epoch, sequence } = checked.snapshot
  await deps.content.keep?.(contentOf(verified))
  await deps.beforeAccepted?.(verified)
  const { envelopeRoot: _, ...rest } = state
  const next = { ...rest, epoch, sequence, snapshotDigest: checked.digest, envelope, approvals }
  await deps.trust.save(next)
  return { verified, state: next }
}

/**
 * Goes on to the newest of a chain of root statements, and writes that down before it counts. What
 * was accepted stays accepted, under the root statement it was accepted with.
 *
 * @throws AgentError with the code of the first that does not follow; then nothing has changed
 */
export async function adoptRootChain(
  envelopes: readonly Uint8Array[],
  state: TrustState,
  deps: Pick<AcceptDeps, 'root' | 'trust'>,
): Promise<{ root: Root; state: TrustState }> {
  const trusted = { root: deps.root, envelope: state.root }
  const newest = await verifyRootChain(trusted, envelopes)
  if (newest === trusted) return { root: deps.root, state }
  const envelopeRoot = state.envelope ? (state.envelopeRoot ?? state.root) : undefined
  // The root keys have spoken: a contradiction in the ledger is known to those who hold them.
  const { auditFault, auditHead, timeFloor, ...rest } = state
  const next = {
    ...rest,
    root: newest.envelope,
    ...(envelopeRoot ? { envelopeRoot } : {}),
    ...(auditHead && !auditFault ? { auditHead } : {}),
    // A new epoch cures a compromise, and with it a time that a stolen key set too late.
    ...(timeFloor !== undefined && newest.root.epoch === deps.root.epoch ? { timeFloor } : {}),
  }
  await deps.trust.save(next)
  return { root: newest.root, state: next }
}

/**
 * The statement that was accepted before, judged again: its signatures, that it is for this
 * cluster, and its approvals. It may be from before the mark, where a signer has said that the
 * sequence went on; never from past it. Null when nothing was accepted yet.
 *
 * @throws AgentError when it does not hold any more
 */
export async function reopenStatement(
  state: TrustState,
  deps: AcceptDeps,
): Promise<CheckedSnapshot | null> {
  if (!state.envelope) return null
  const { identity, clock } = deps
  const root = state.envelopeRoot ? await verifyRoot(state.envelopeRoot) : deps.root
  const { snapshot, digest: snapshotDigest } = readAccepted(state.envelope)
  const { epoch, sequence } = snapshot
  if (epoch > state.epoch || (epoch === state.epoch && sequence > state.sequence)) {
    const message = `sequence ${sequence} is past ${state.sequence}`
    throw new AgentError('trust_state_corrupt', message)
  }
  const atMark = epoch === state.epoch && sequence === state.sequence
  const accepted = atMark ? state : { epoch, sequence, snapshotDigest }
  const checked = await verifySnapshot(state.envelope, root, identity, accepted, clock())
  await reopenApprovals(state.approvals ?? [], root, identity)
  return checked
}

/**
 * The content of what was accepted before, every byte checked again from the disk up, so that the
 * agent goes on with nobody to ask.
 *
 * @throws AgentError when any of it does not hold any more
 */
export async function reopenContent(
  checked: CheckedSnapshot,
  content: ContentCache,
): Promise<VerifiedSnapshot> {
  const manifests = new Map<Digest, Manifest>()
  for (const application of checked.snapshot.applications) {
    if (application.state === 'removed') continue
    const bytes = await content.read(application.manifest.digest)
    const manifest = verifyManifest(bytes, application)
    manifests.set(application.manifest.digest, manifest)
    for (const { digest } of manifest.objects) await content.read(digest)
  }
  // All of it was read a moment ago.
  const has = () => Promise.resolve(true)
  return acceptSnapshot(checked, manifests, { has, read: (digest) => content.read(digest) })
}

function readAccepted(envelope: Uint8Array): { snapshot: Snapshot; digest: Digest } {
  const payload = Buffer.from(readEnvelope(envelope, 'snapshot').payload, 'base64url')
  return { snapshot: parseSnapshot(payload), digest: digestOf(payload) }
}

/** Digests a snapshot needs at hand. */
export function contentOf(snapshot: VerifiedSnapshot): Set<Digest> {
  const digests = new Set<Digest>()
  for (const application of snapshot.applications) {
    if (application.state === 'removed') continue
    digests.add(application.manifestDigest)
    for (const { digest } of application.manifest.objects) digests.add(digest)
  }
  return digests
}

type Source = (
  wanted: ReadonlyMap<Digest, number | undefined>,
  onBlob: (digest: Digest, bytes: Uint8Array) => Promise<void>,
) => Promise<void>

async function fetchManifests(
  checked: CheckedSnapshot,
  source: Source,
  content: ContentCache,
): Promise<Map<Digest, Manifest>> {
  const present = checked.snapshot.applications.filter(
    (application) => application.state === 'present',
  )
  const found = new Map<Digest, Uint8Array>()
  const lacking = new Map<Digest, number | undefined>()
  for (const { manifest } of present) {
    const bytes = await readIfWhole(manifest.digest, content)
    if (bytes) found.set(manifest.digest, bytes)
    else lacking.set(manifest.digest, manifest.size)
  }
  await source(lacking, (digest, bytes) => content.write(digest, bytes))
  const manifests = new Map<Digest, Manifest>()
  for (const application of present) {
    const { digest } = application.manifest
    const bytes = found.get(digest) ?? (await content.read(digest))
    manifests.set(digest, verifyManifest(bytes, application))
  }
  return manifests
}

/** What is at hand; undefined for what is not, and for what was damaged, which is to be had anew. */
async function readIfWhole(digest: Digest, content: ContentCache): Promise<Uint8Array | undefined> {
  if (!(await content.has(digest))) return undefined
  try {
    return await content.read(digest)
  } catch (error) {
    if (error instanceof AgentError && damages.includes(error.code)) return undefined
    throw error
  }
}

const damages: readonly AgentErrorCode[] = ['content_missing', 'digest_mismatch']

async function fetchObjects(
  manifests: ReadonlyMap<Digest, Manifest>,
  source: Source,
  { content, unread }: Pick<AcceptDeps, 'content' | 'unread'>,
): Promise<void> {
  const lacking = new Map<Digest, number | undefined>()
  const isThere = async (digest: Digest): Promise<boolean> =>
    unread ? (await readIfWhole(digest, content)) !== undefined : content.has(digest)
  for (const manifest of manifests.values()) {
    for (const { digest, size } of manifest.objects) {
      if (!lacking.has(digest) && !(await isThere(digest))) lacking.set(digest, size)
    }
  }
  await source(lacking, (digest, bytes) => content.write(digest, bytes))
}
