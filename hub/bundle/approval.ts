import { parseApproval } from '@groundswell/proto/approval.ts'
import { findSigners } from '@groundswell/proto/signers.ts'
import { coversCluster } from '@groundswell/proto/statement-shape.ts'
import type { Root, SnapshotApplication } from '@groundswell/proto/statement.ts'
import { HubError } from '../errors.ts'
import type { RecordedApproval } from '../ledger/entry.ts'
import type { LedgerState } from '../ledger/replay.ts'

/** Envelopes sent with one offer, beside a snapshot of a mebibyte at most: agents take 4 MiB in one message. */
const mostApprovals = { count: 500, bytes: 2 * 1024 * 1024 } as const

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
  if (!root.policies.some(({ clusters }) => coversCluster(clusters, cluster))) return []
  let left: number = mostApprovals.bytes
  return list
    .flatMap((application) => {
      const content = application.state === 'removed' ? 'removed' : application.manifest.digest
      return (state.approvals.get(application.name) ?? []).filter(
        (approval) =>
          approval.content === content &&
          coversCluster(approval.clusters, cluster) &&
          approval.expiresAt * 1000 > now,
      )
    })
    .slice(0, mostApprovals.count)
    .map(({ envelope }) => Buffer.from(envelope, 'base64'))
    .filter(({ byteLength }) => (left -= byteLength) >= 0)
}

/**
 * An approval as it was handed in, checked as agents will: of this fleet, whole, not expired, and
 * signed by at least one approver the newest root statement names.
 *
 * @throws HubError `approval_refused`
 */
export function checkApproval(envelope: Uint8Array, root: Root, now: number): RecordedApproval {
  const { payload, signers } = read(() =>
    findSigners(envelope, 'approval', root.roles.approver.keys),
  )
  const approval = read(() => parseApproval(payload))
  if (approval.fleet !== root.fleet) throw refused(`it is of fleet ${approval.fleet}`)
  if (approval.expiresAt * 1000 <= now) throw refused('it has expired')
  if (signers.size === 0) {
    throw refused(`none of its signatures is by an approver of root version ${root.version}`)
  }
  const { application, content, clusters, expiresAt } = approval
  return { application, content, clusters, expiresAt, envelope: toBase64(envelope) }
}

function read<T>(parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw refused((cause as Error).message, cause)
  }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function refused(why: string, cause?: unknown): HubError {
  return new HubError('approval_refused', `the approval is refused: ${why}`, { cause })
}
