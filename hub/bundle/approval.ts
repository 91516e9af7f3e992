import { isDigest } from '@groundswell/proto/digest.ts'
import { hasExactly, isRecord } from '@groundswell/proto/record.ts'
import type { Approval, Root, SnapshotApplication } from '@groundswell/proto/statement.ts'
import { HubError } from '../errors.ts'
import type { RecordedApproval } from '../ledger/entry.ts'
import type { LedgerState } from '../ledger/replay.ts'
import { countSigners, readPayload } from './root-chain.ts'

/** Envelopes sent with one offer. */
const mostApprovals = 500

/**
 * Approvals of what a list holds, for a cluster that the root statement wants approvals for; for
 * every other cluster none. The agent counts and checks them itself.
 */
export function listApprovals(
  state: Pick<LedgerState, 'approvals'>,
  root: Root,
  cluster: string,
  list: readonly SnapshotApplication[],
  now: number,
): Uint8Array[] {
  if (!root.policies.some(({ clusters }) => includes(clusters, cluster))) return []
  return list
    .flatMap((application) => {
      const content = application.state === 'removed' ? 'removed' : application.manifest.digest
      return (state.approvals.get(application.name) ?? []).filter(
        (approval) =>
          approval.content === content &&
          includes(approval.clusters, cluster) &&
          approval.expiresAt * 1000 > now,
      )
    })
    .slice(0, mostApprovals)
    .map(({ envelope }) => Buffer.from(envelope, 'base64'))
}

/**
 * An approval as it was handed in, checked as agents will: of this fleet, whole, not expired, and
 * signed by at least one approver the newest root statement names.
 *
 * @throws HubError `approval_refused`
 */
export async function checkApproval(
  envelope: Uint8Array,
  root: Root,
  now: number,
): Promise<RecordedApproval> {
  try {
    const approval = parseApproval(readPayload(envelope, 'approval'))
    if (approval.fleet !== root.fleet) throw refused(`it is of fleet ${approval.fleet}`)
    if (approval.expiresAt * 1000 <= now) throw refused('it has expired')
    if ((await countSigners(envelope, 'approval', root.roles.approver)) < 1) {
      throw refused(`none of its signatures is by an approver of root version ${root.version}`)
    }
    const { application, content, clusters, expiresAt } = approval
    return { application, content, clusters, expiresAt, envelope: toBase64(envelope) }
  } catch (cause) {
    if (cause instanceof HubError && cause.code === 'approval_refused') throw cause
    throw new HubError('approval_refused', (cause as Error).message, { cause })
  }
}

const members = [
  ...['application', 'clusters', 'content', 'expiresAt', 'fleet', 'issuedAt', 'v'],
] as const

function parseApproval(value: unknown): Approval {
  if (!isRecord(value) || !hasExactly(value, members)) {
    throw refused(`its members are ${members.join(', ')}`)
  }
  const { v, fleet, application, content, clusters, issuedAt, expiresAt } = value
  const whole =
    v === 1 &&
    typeof fleet === 'string' &&
    typeof application === 'string' &&
    (content === 'removed' || isDigest(content)) &&
    Array.isArray(clusters) &&
    clusters.length > 0 &&
    clusters.length <= 10_000 &&
    clusters.every((name) => typeof name === 'string') &&
    Number.isSafeInteger(issuedAt) &&
    Number.isSafeInteger(expiresAt)
  if (!whole) throw refused('a member is not as it must be')
  return value as unknown as Approval
}

function includes(clusters: readonly string[], cluster: string): boolean {
  return clusters.includes(cluster) || (clusters.length === 1 && clusters[0] === '*')
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function refused(why: string): HubError {
  return new HubError('approval_refused', `the approval is refused: ${why}`)
}
