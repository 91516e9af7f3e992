import type { Freshness, Root } from '@groundswell/proto/statement.ts'
import { AgentError } from '../errors.ts'
import { openEnvelope } from './signature.ts'
import type { Identity } from './state.ts'
import { parseFreshness } from './statement.ts'
import type { Accepted } from './verify.ts'

/** Longest a freshness statement may live: a signer that says more would hide a freeze. */
export const longestFreshness = 3_600

/**
 * The signer's word, given after we asked, on which snapshot of ours is the newest. Its expiry is
 * not judged by any clock here: it is a length of time, counted from our asking.
 *
 * @param nonce base64url, as it was asked with
 * @throws AgentError with the code of the first check that failed
 */
export async function verifyFreshness(
  envelope: Uint8Array,
  root: Root,
  identity: Identity,
  nonce: string,
  accepted: Accepted,
): Promise<Freshness> {
  const freshness = parseFreshness(openEnvelope(envelope, 'freshness', root.roles.freshness))
  if (freshness.fleet !== identity.fleet || freshness.fleet !== root.fleet) {
    throw new AgentError('wrong_fleet', `this statement is for fleet ${freshness.fleet}`)
  }
  if (freshness.aud !== identity.clusterId) {
    throw new AgentError('wrong_audience', 'this statement is for another cluster')
  }
  if (freshness.nonce !== nonce) {
    throw new AgentError('wrong_nonce', 'this statement answers another question')
  }
  const lifetime = freshness.expiresAt - freshness.issuedAt
  if (lifetime <= 0 || lifetime > longestFreshness) {
    throw new AgentError('freshness_invalid', `the statement lives ${lifetime} s`)
  }
  checkPosition(freshness, root, accepted)
  return freshness
}

function checkPosition(freshness: Freshness, root: Root, accepted: Accepted): void {
  const { epoch, sequence, snapshot, rootVersion } = freshness
  if (rootVersion < root.version) {
    throw new AgentError('freshness_behind', `root version ${rootVersion} after ${root.version}`)
  }
  if (epoch < accepted.epoch || (epoch === accepted.epoch && sequence < accepted.sequence)) {
    const was = `epoch ${accepted.epoch}, sequence ${accepted.sequence}`
    throw new AgentError('freshness_behind', `epoch ${epoch}, sequence ${sequence} after ${was}`)
  }
  const same = epoch === accepted.epoch && sequence === accepted.sequence
  if (same && accepted.snapshotDigest !== null && snapshot !== accepted.snapshotDigest) {
    throw new AgentError('equivocation', `two snapshots of sequence ${sequence}`)
  }
}
