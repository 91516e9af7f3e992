import { isDigest } from '@groundswell/proto/digest.ts'
import type { Root, Snapshot, SnapshotApplication } from '@groundswell/proto/statement.ts'
import { AgentError } from '../errors.ts'
import { hasExactly, isRecord } from '@groundswell/proto/record.ts'

/** Strict shapes: a signed statement with anything unknown in it is refused, not interpreted. */

const namePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/** @throws AgentError `statement_malformed` naming the member */
export function parseSnapshot(payload: Uint8Array): Snapshot {
  const value = parseObject(payload)
  exactly(value, [
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
  need(value['v'] === 1, 'v')
  need(typeof value['fleet'] === 'string', 'fleet')
  need(typeof value['aud'] === 'string', 'aud')
  need(typeof value['clusterUid'] === 'string', 'clusterUid')
  for (const member of ['epoch', 'sequence', 'issuedAt', 'expiresAt']) {
    need(isCount(value[member]) && (value[member] as number) > 0, member)
  }
  need(value['previous'] === null || isDigest(value['previous']), 'previous')
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

/** @throws AgentError `statement_malformed` naming the member */
export function parseRoot(payload: Uint8Array): Root {
  const value = parseObject(payload)
  exactly(value, ['epoch', 'expiresAt', 'fleet', 'policies', 'roles', 'v', 'version'])
  need(value['v'] === 1, 'v')
  need(typeof value['fleet'] === 'string' && value['fleet'] !== '', 'fleet')
  for (const member of ['version', 'epoch', 'expiresAt']) {
    need(isCount(value[member]) && (value[member] as number) > 0, member)
  }
  const roles = value['roles']
  need(isRecord(roles), 'roles')
  exactly(roles, ['approver', 'freshness', 'root', 'snapshot'])
  for (const [name, role] of Object.entries(roles)) {
    need(isRecord(role) && Array.isArray(role['keys']) && isCount(role['threshold']), name)
    need((role['threshold'] as number) >= 1, `${name}: threshold`)
    for (const key of role['keys'] as unknown[]) {
      need(
        isRecord(key) &&
          key['kty'] === 'OKP' &&
          key['crv'] === 'Ed25519' &&
          typeof key['x'] === 'string' &&
          /^[A-Za-z0-9_-]{43}$/.test(key['x']),
        `${name}: a key is not Ed25519`,
      )
    }
  }
  return value as unknown as Root
}

function checkApplication(value: unknown): asserts value is SnapshotApplication {
  need(isRecord(value), 'applications')
  need(typeof value['name'] === 'string' && namePattern.test(value['name']), 'application name')
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
  need(isRecord(manifest) && isDigest(manifest['digest']) && isCount(manifest['size']), 'manifest')
  need(typeof value['revision'] === 'string', 'revision')
}

function parseObject(payload: Uint8Array): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch (cause) {
    throw new AgentError('statement_malformed', 'the statement is not JSON', { cause })
  }
  need(isRecord(value), 'the statement is not an object')
  return value
}

function exactly(value: Record<string, unknown>, members: readonly string[]): void {
  need(hasExactly(value, members), `members are ${Object.keys(value).sort().join(', ')}`)
}

function need(condition: boolean, what: string): asserts condition {
  if (!condition) throw new AgentError('statement_malformed', `statement: ${what}`)
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
