import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { type Manifest, parseManifest } from '@groundswell/proto/manifest.ts'
import type { Root, Snapshot, SnapshotApplication, Sparing } from '@groundswell/proto/statement.ts'
import { AgentError } from '../errors.ts'
import { openEnvelope, readEnvelope } from './signature.ts'
import type { Identity } from './state.ts'
import { parseRoot, parseSnapshot } from './statement.ts'
import type { VerifiedApplication, VerifiedSnapshot } from './verified.ts'

/* The only door. Each check has its own code, in a fixed order. */

/** Highest step a sequence may take at once: a stolen key cannot fast-forward it out of reach (T4). */
const longestJump = 2 ** 20

/** What was accepted before; the high-water mark that never goes back (T2). */
export interface Accepted {
  readonly epoch: number
  readonly sequence: number
  readonly snapshotDigest: Digest | null
}

export interface CheckedSnapshot {
  readonly snapshot: Snapshot
  readonly digest: Digest
  /** The very snapshot that was accepted before: nothing new in it. */
  readonly repeated: boolean
}

/**
 * A root statement that vouches for itself; the caller has pinned its digest.
 *
 * @throws AgentError
 */
export async function verifyRoot(envelope: Uint8Array): Promise<Root> {
  const claimed = parseRoot(Buffer.from(readEnvelope(envelope, 'root').payload, 'base64url'))
  return parseRoot(openEnvelope(envelope, 'root', claimed.roles.root))
}

/**
 * Envelope → a snapshot for this cluster that moves forward. `now` in milliseconds. Expiry is not
 * destructive: an expired snapshot is refused as new content and never removes anything.
 *
 * @throws AgentError with the code of the first check that failed
 */
export async function verifySnapshot(
  envelope: Uint8Array,
  root: Root,
  identity: Identity,
  accepted: Accepted,
  now: number,
): Promise<CheckedSnapshot> {
  const payload = openEnvelope(envelope, 'snapshot', root.roles.snapshot)
  const snapshot = parseSnapshot(payload)
  const digest = digestOf(payload)
  const repeated = snapshot.sequence === accepted.sequence && digest === accepted.snapshotDigest
  if (snapshot.fleet !== identity.fleet || snapshot.fleet !== root.fleet) {
    throw new AgentError('wrong_fleet', `this snapshot is for fleet ${snapshot.fleet}`)
  }
  if (snapshot.aud !== identity.clusterId) {
    throw new AgentError('wrong_audience', 'this snapshot is for another cluster')
  }
  if (snapshot.clusterUid !== identity.clusterUid) {
    throw new AgentError('wrong_cluster', 'this snapshot is for a cluster with another UID')
  }
  if (snapshot.epoch !== root.epoch) {
    throw new AgentError('wrong_epoch', `epoch ${snapshot.epoch}, the root says ${root.epoch}`)
  }
  if (!repeated && root.expiresAt * 1000 <= now) {
    throw expired('root statement', root, now)
  }
  if (!repeated && snapshot.expiresAt * 1000 <= now) {
    throw expired('snapshot', snapshot, now)
  }
  checkSequence(snapshot, digest, accepted)
  return { snapshot, digest, repeated }
}

function expired(
  what: string,
  { expiresAt }: { readonly expiresAt: number },
  now: number,
): AgentError {
  const [end, time] = [expiresAt * 1000, now].map((ms) => new Date(ms).toISOString())
  return new AgentError(
    'expired',
    `the ${what} expired at ${end}, and here it is ${time} by what signers said; where a hub's clock was ahead, a new epoch puts that right (\`swell trust revoke\`)`,
  )
}

function checkSequence(snapshot: Snapshot, digest: Digest, accepted: Accepted): void {
  if (snapshot.epoch < accepted.epoch) {
    throw new AgentError('rollback', `epoch ${snapshot.epoch} after ${accepted.epoch}`)
  }
  // A new epoch starts sequences afresh, and within reach: a jump is measured from zero.
  const before = snapshot.epoch > accepted.epoch ? 0 : accepted.sequence
  if (snapshot.sequence < before) {
    throw new AgentError('rollback', `sequence ${snapshot.sequence} after ${accepted.sequence}`)
  }
  if (snapshot.sequence === before && digest !== accepted.snapshotDigest) {
    throw new AgentError('equivocation', `two snapshots of sequence ${snapshot.sequence}`)
  }
  if (snapshot.sequence - before > longestJump) {
    throw new AgentError('fast_forward', `sequence jumps to ${snapshot.sequence}`)
  }
}

/**
 * Reads a manifest that a checked snapshot names.
 *
 * @throws AgentError `size_mismatch`, `digest_mismatch`, `manifest_malformed`
 */
export function verifyManifest(
  bytes: Uint8Array,
  application: Extract<SnapshotApplication, { state: 'present' }>,
): Manifest {
  const { digest, size } = application.manifest
  if (bytes.byteLength !== size) {
    throw new AgentError(
      'size_mismatch',
      `manifest of ${application.name}: ${bytes.byteLength} bytes`,
    )
  }
  checkDigest(bytes, digest)
  const manifest = readManifest(bytes)
  if (manifest.application !== application.name) {
    throw new AgentError('manifest_malformed', `the manifest is of ${manifest.application}`)
  }
  return manifest
}

/** @throws AgentError `digest_mismatch` */
export function checkDigest(bytes: Uint8Array, digest: Digest): void {
  const actual = digestOf(bytes)
  if (actual !== digest) throw new AgentError('digest_mismatch', `${digest} has ${actual}`)
}

/**
 * Puts a checked snapshot and its checked manifests together. Every object must be at hand: all
 * of a snapshot is accepted, or nothing (T7).
 *
 * @throws AgentError `content_missing`
 */
export async function acceptSnapshot(
  checked: CheckedSnapshot,
  manifests: ReadonlyMap<Digest, Manifest>,
  content: {
    has(digest: Digest): Promise<boolean>
    read(digest: Digest): Promise<Uint8Array>
  },
): Promise<VerifiedSnapshot> {
  const applications: object[] = []
  for (const application of checked.snapshot.applications) {
    if (application.state === 'removed') {
      const { name, generation, deletionPolicy } = application
      const sparing = sparingOf(application)
      applications.push({ state: 'removed', name, generation, deletionPolicy, ...sparing })
      continue
    }
    const manifest = manifests.get(application.manifest.digest)
    if (!manifest) {
      throw new AgentError('content_missing', `the manifest of ${application.name} is missing`)
    }
    for (const object of manifest.objects) {
      if (!(await content.has(object.digest))) {
        throw new AgentError('content_missing', `${object.id} of ${application.name} is missing`)
      }
    }
    applications.push({
      state: 'present',
      name: application.name,
      generation: application.generation,
      revision: application.revision,
      manifestDigest: application.manifest.digest,
      manifest,
      read: (digest: Digest) => content.read(digest),
      ...sparingOf(application),
    })
  }
  const { snapshot, digest } = checked
  return {
    snapshot,
    digest,
    applications: applications as unknown as readonly VerifiedApplication[],
  } as VerifiedSnapshot
}

function sparingOf({ leave, undo }: Sparing): Sparing {
  return { ...(leave && { leave }), ...(undo && { undo }) }
}

function readManifest(bytes: Uint8Array): Manifest {
  try {
    return parseManifest(bytes)
  } catch (cause) {
    throw new AgentError('manifest_malformed', (cause as Error).message, { cause })
  }
}
