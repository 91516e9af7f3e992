import { isDigest } from '@groundswell/proto/digest.ts'
import { hasExactly, isRecord } from '@groundswell/proto/record.ts'
import { isLeaveList } from '@groundswell/proto/snapshot.ts'
import type { SnapshotApplication, Sparing } from '@groundswell/proto/statement.ts'
import type { SnapshotPosition } from '../bundle/snapshot.ts'
import { HubError } from '../errors.ts'
import { namePattern } from './attestation.ts'
import type { AuditHead, FreshnessRequest, SignRequest } from './signer.ts'

/* What a front end asks, when it is another process: nothing of it is believed. */

const mostApplications = 5_000
const mostBytes = 64 * 1024 * 1024
const idPattern = /^[-A-Za-z0-9._:]{1,253}$/

/** @throws HubError `invalid` naming the member that is not as it must be */
export function parseSignRequest(value: unknown): SignRequest {
  const found = members(value, ['applications', 'cluster', 'clusterId', 'clusterUid', 'floor'])
  const list = found['applications']
  need(Array.isArray(list) && list.length <= mostApplications, 'applications')
  const applications = list.map(parseApplication)
  const isSorted = applications.every(
    ({ name }, at) => at === 0 || applications[at - 1]!.name < name,
  )
  need(isSorted, 'applications: sorted by name, each once')
  return {
    cluster: matching(found['cluster'], namePattern, 'cluster'),
    clusterId: matching(found['clusterId'], idPattern, 'clusterId'),
    clusterUid: matching(found['clusterUid'], idPattern, 'clusterUid'),
    applications,
    floor: parsePosition(found['floor'], 'floor'),
  }
}

/** @throws HubError `invalid` */
export function parseFreshnessRequest(value: unknown): FreshnessRequest {
  const found = members(value, ['at', 'auditHead', 'clusterId', 'nonce'])
  const head = found['auditHead']
  return {
    clusterId: matching(found['clusterId'], idPattern, 'clusterId'),
    nonce: matching(found['nonce'], /^[-_A-Za-z0-9]{22,86}$/, 'nonce'),
    at: parsePosition(found['at'], 'at'),
    auditHead: head === null ? null : parseAuditHead(head),
  }
}

function parseApplication(value: unknown): SnapshotApplication {
  need(isRecord(value), 'applications')
  const { leave, undo, ...own } = value
  const { state } = own
  const sparing = parseSparing({
    ...('leave' in value && { leave }),
    ...('undo' in value && { undo }),
  })
  if (state === 'removed') {
    const { deletionPolicy, ...found } = members(own, [
      ...['deletionPolicy', 'generation', 'name', 'state'],
    ])
    need(deletionPolicy === 'Delete' || deletionPolicy === 'Orphan', 'deletionPolicy')
    return { ...parseNamed(found), state, deletionPolicy, ...sparing }
  }
  need(state === 'present', 'state')
  const found = members(own, ['generation', 'manifest', 'name', 'revision', 'state'])
  const { digest, size } = members(found['manifest'], ['digest', 'size'])
  need(isDigest(digest), 'digest')
  const manifest = { digest, size: count(size, 'size', mostBytes) }
  const { revision } = found
  need(typeof revision === 'string' && revision.length <= 2_048, 'revision')
  return { ...parseNamed(found), state, manifest, revision, ...sparing }
}

/** The front end's word alone is enough: all it can bring about is that something is not deleted. */
function parseSparing(found: Readonly<Record<string, unknown>>): Sparing {
  need(!('leave' in found) || isLeaveList(found['leave']), 'leave')
  need(!('undo' in found) || found['undo'] === true, 'undo')
  return found
}

function parseNamed(found: Record<string, unknown>): { name: string; generation: number } {
  return {
    name: matching(found['name'], namePattern, 'name'),
    generation: count(found['generation'], 'generation'),
  }
}

function parsePosition(value: unknown, what: string): SnapshotPosition {
  const { digest, epoch, sequence } = members(value, ['digest', 'epoch', 'sequence'])
  need(digest === null || isDigest(digest), what)
  return {
    epoch: count(epoch, what),
    sequence: count(sequence, what),
    digest,
  }
}

function parseAuditHead(value: unknown): AuditHead {
  const { digest, index } = members(value, ['digest', 'index'])
  need(isDigest(digest), 'auditHead')
  return { index: count(index, 'auditHead'), digest }
}

function members(value: unknown, names: readonly string[]): Record<string, unknown> {
  need(isRecord(value) && hasExactly(value, names), names.join(', '))
  return value
}

function matching(value: unknown, pattern: RegExp, what: string): string {
  need(typeof value === 'string' && pattern.test(value), what)
  return value
}

function count(value: unknown, what: string, most = Number.MAX_SAFE_INTEGER): number {
  need(Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most, what)
  return value as number
}

function need(condition: boolean, what: string): asserts condition {
  if (!condition) throw new HubError('invalid', `request: ${what}`)
}
