import { isDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import type { Freshness, Root } from '@groundswell/proto/statement.ts'
import { AgentError } from '../errors.ts'
import {
  exactly,
  isCount,
  isDigestOrNull,
  need,
  needPositive,
  needText,
  parseObject,
  shaped,
} from './shape.ts'
import { openEnvelope } from './signature.ts'
import type { Identity } from './state.ts'
import type { Accepted } from './verify.ts'

/** Longest a freshness statement may live: a signer that says more would hide a freeze. */
export const longestFreshness = 3_600

/** @throws AgentError `freshness_invalid` naming the member */
export function parseFreshness(payload: Uint8Array): Freshness {
  return shaped('freshness_invalid', () => {
    const value = parseObject(payload, [
      'aud',
      'auditHead',
      'epoch',
      'expiresAt',
      'fleet',
      'issuedAt',
      'nonce',
      'rootVersion',
      'sequence',
      'snapshot',
      'v',
    ])
    needText(value, ['fleet', 'aud'])
    needPositive(value, ['issuedAt', 'expiresAt', 'epoch', 'rootVersion'])
    const { nonce, sequence, snapshot, auditHead } = value
    need(typeof nonce === 'string' && /^[A-Za-z0-9_-]{43}$/.test(nonce), 'nonce')
    need(isCount(sequence), 'sequence')
    need(isDigestOrNull(snapshot) && (sequence === 0) === (snapshot === null), 'snapshot')
    if (auditHead !== null) {
      need(isRecord(auditHead), 'auditHead')
      exactly(auditHead, ['digest', 'index'])
      need(isCount(auditHead['index']) && isDigest(auditHead['digest']), 'auditHead')
    }
    return value as unknown as Freshness
  })
}

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
  const freshness = parseFreshness(await openEnvelope(envelope, 'freshness', root.roles.freshness))
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
