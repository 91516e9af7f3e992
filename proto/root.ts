import { envelopeLimits } from './envelope.ts'
import { isRecord } from './record.ts'
import {
  exactly,
  isClusterList,
  isCount,
  isName,
  need,
  needPositive,
  needText,
  needTimes,
  parseObject,
} from './statement-shape.ts'
import type { Root } from './statement.ts'

/** Policies one root statement may have. */
const policiesLimit = 100

/** @throws StatementError naming the member */
export function parseRoot(payload: Uint8Array): Root {
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
  needPositive(value, ['version', 'epoch'])
  needTimes(value, ['expiresAt'])
  const { roles, policies } = value
  need(isRecord(roles), 'roles')
  exactly(roles, ['approver', 'freshness', 'root', 'snapshot'])
  for (const [name, role] of Object.entries(roles)) checkRole(name, role)
  need(Array.isArray(policies) && policies.length <= policiesLimit, 'policies')
  for (const policy of policies as unknown[]) checkPolicy(policy)
  return value as unknown as Root
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
