import { isDigest } from '@groundswell/proto/digest.ts'
import { envelopeLimits } from '@groundswell/proto/envelope.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import type { Root, Snapshot, SnapshotApplication } from '@groundswell/proto/statement.ts'
import {
  exactly,
  isClusterList,
  isCount,
  isDigestOrNull,
  isName,
  need,
  needPositive,
  needText,
  parseObject,
  shaped,
} from './shape.ts'

/** Policies one root statement may have. */
const policiesLimit = 100

/** @throws AgentError `statement_malformed` naming the member */
export function parseSnapshot(payload: Uint8Array): Snapshot {
  const value = parseObject(payload, [
    'applications',
    'aud',
    'clusterUid',
    'epoch',
    'expiresAt',
    'fleet',
    'issuedAt',
    'previous',
    'sequence',
    'v',
  ])
  for (const member of ['fleet', 'aud', 'clusterUid']) {
    need(typeof value[member] === 'string', member)
  }
  needPositive(value, ['epoch', 'sequence', 'issuedAt', 'expiresAt'])
  need(isDigestOrNull(value['previous']), 'previous')
  const applications = value['applications']
  need(Array.isArray(applications) && applications.length <= 2_000, 'applications')
  const names = new Set<string>()
  for (const application of applications as unknown[]) {
    checkApplication(application)
    need(!names.has(application.name), `applications: ${application.name} is listed twice`)
    names.add(application.name)
  }
  return value as unknown as Snapshot
}

/** @throws AgentError `root_malformed` naming the member */
export function parseRoot(payload: Uint8Array): Root {
  return shaped('root_malformed', () => {
    const value = parseObject(payload, [
      'epoch',
      'expiresAt',
      'fleet',
      'policies',
      'roles',
      'v',
      'version',
    ])
    needText(value, ['fleet'])
    needPositive(value, ['version', 'epoch', 'expiresAt'])
    const { roles, policies } = value
    need(isRecord(roles), 'roles')
    exactly(roles, ['approver', 'freshness', 'root', 'snapshot'])
    for (const [name, role] of Object.entries(roles)) checkRole(name, role)
    need(Array.isArray(policies) && policies.length <= policiesLimit, 'policies')
    for (const policy of policies as unknown[]) checkPolicy(policy)
    return value as unknown as Root
  })
}

function checkRole(name: string, role: unknown): void {
  need(isRecord(role), name)
  exactly(role, ['keys', 'threshold'])
  const { keys, threshold } = role
  need(Array.isArray(keys) && keys.length <= envelopeLimits.signatures, `${name}: keys`)
  need(isCount(threshold) && threshold >= 1, `${name}: threshold`)
  const seen = new Set<string>()
  for (const key of keys as unknown[]) {
    need(isRecord(key), `${name}: a key is no object`)
    exactly(key, ['crv', 'kty', 'x'])
    const { kty, crv, x } = key
    need(kty === 'OKP' && crv === 'Ed25519' && isKeyText(x), `${name}: a key is not Ed25519`)
    need(!seen.has(x), `${name}: a key is listed twice`)
    seen.add(x)
  }
}

/** Canonical base64url of 32 bytes: a key that had two spellings would have two ids (T14). */
function isKeyText(x: unknown): x is string {
  if (typeof x !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(x)) return false
  return Buffer.from(x, 'base64url').toString('base64url') === x
}

function checkPolicy(policy: unknown): void {
  need(isRecord(policy), 'policies')
  exactly(policy, ['approvers', 'clusters', 'group'])
  const { approvers, clusters, group } = policy
  need(isName(group) || group === '*', 'policies: group')
  need(isClusterList(clusters), 'policies: clusters are sorted names, or * alone')
  need(isCount(approvers) && approvers >= 1, 'policies: approvers')
}

function checkApplication(value: unknown): asserts value is SnapshotApplication {
  need(isRecord(value), 'applications')
  need(isName(value['name']), 'application name')
  need(isCount(value['generation']), 'generation')
  if (value['state'] === 'removed') {
    exactly(value, ['deletionPolicy', 'generation', 'name', 'state'])
    need(
      value['deletionPolicy'] === 'Delete' || value['deletionPolicy'] === 'Orphan',
      'deletionPolicy',
    )
    return
  }
  need(value['state'] === 'present', 'state')
  exactly(value, ['generation', 'manifest', 'name', 'revision', 'state'])
  const manifest = value['manifest']
  need(isRecord(manifest), 'manifest')
  exactly(manifest, ['digest', 'size'])
  need(isDigest(manifest['digest']) && isCount(manifest['size']), 'manifest')
  need(typeof value['revision'] === 'string', 'revision')
}
