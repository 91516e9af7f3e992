import { isDigest } from './digest.ts'
import { isRecord } from './record.ts'
import {
  exactly,
  isCount,
  isDigestOrNull,
  isName,
  need,
  needPositive,
  needTimes,
  parseObject,
} from './statement-shape.ts'
import { isLeaveAll, leaveLimit, type Snapshot, type SnapshotApplication } from './statement.ts'

/** Applications one snapshot may list. */
const applicationsLimit = 2_000

/** @throws StatementError naming the member */
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
  needPositive(value, ['epoch', 'sequence'])
  needTimes(value, ['issuedAt', 'expiresAt'])
  need(isDigestOrNull(value['previous']), 'previous')
  const applications = value['applications']
  need(Array.isArray(applications) && applications.length <= applicationsLimit, 'applications')
  const names = new Set<string>()
  for (const application of applications as unknown[]) {
    checkApplication(application)
    need(!names.has(application.name), `applications: ${application.name} is listed twice`)
    names.add(application.name)
  }
  return value as unknown as Snapshot
}

function checkApplication(value: unknown): asserts value is SnapshotApplication {
  need(isRecord(value), 'applications')
  need(isName(value['name']), 'application name')
  need(isCount(value['generation']), 'generation')
  if (value['state'] === 'removed') {
    exactlyWithSparing(value, ['deletionPolicy', 'generation', 'name', 'state'])
    need(
      value['deletionPolicy'] === 'Delete' || value['deletionPolicy'] === 'Orphan',
      'deletionPolicy',
    )
    return
  }
  need(value['state'] === 'present', 'state')
  exactlyWithSparing(value, ['generation', 'manifest', 'name', 'revision', 'state'])
  const manifest = value['manifest']
  need(isRecord(manifest), 'manifest')
  exactly(manifest, ['digest', 'size'])
  need(isDigest(manifest['digest']) && isCount(manifest['size']), 'manifest')
  need(typeof value['revision'] === 'string', 'revision')
}

function exactlyWithSparing(value: Record<string, unknown>, members: readonly string[]): void {
  const { leave, undo, ...others } = value
  exactly(others, members)
  need(leave === undefined || isLeaveList(leave), 'leave')
  need(undo === undefined || undo === true, 'undo')
}

const idPattern = /^[^/]*\/[^/]+\/[^/]*\/[^/]+$/

/** Ids of objects, sorted and each once, or `*` alone. */
export function isLeaveList(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > leaveLimit) return false
  const ids = value as unknown[]
  if (isLeaveAll(value as string[])) return ids.length === 1
  return ids.every(
    (id, at) =>
      typeof id === 'string' &&
      id.length <= 1024 &&
      idPattern.test(id) &&
      (at === 0 || (ids[at - 1] as string) < id),
  )
}
