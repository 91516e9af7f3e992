import { coversCluster } from '@groundswell/proto/statement-shape.ts'
import type { Approval, Root, Snapshot, SnapshotApplication } from '@groundswell/proto/statement.ts'
import { AgentError } from '../errors.ts'
import { findSigners } from './signature.ts'
import type { Identity } from './state.ts'
import { parseApproval } from './statement.ts'

/** Approvals looked at for one offer. */
const approvalsLimit = 4_096

/** An approval that somebody trusted signed. */
interface Vouched {
  readonly envelope: Uint8Array
  readonly approval: Approval
  readonly signers: ReadonlySet<string>
}

/** Distinct approvers that this cluster's content needs; 0 when no policy names it. */
export function approversNeeded(root: Root, cluster: string): number {
  const policies = root.policies.filter(({ clusters }) => coversCluster(clusters, cluster))
  if (policies.length === 0) return 0
  return Math.max(root.roles.approver.threshold, ...policies.map(({ approvers }) => approvers))
}

/**
 * Whether a snapshot's content was approved as the root statement demands. Content that was
 * accepted before runs already and needs no approval again. An approval that does not hold never
 * helps and never harms: whoever carries approvals cannot block with a bad one.
 *
 * @param now milliseconds
 * @returns the approvals that bear on the snapshot, to be kept with it
 * @throws AgentError `approval_missing`, or `approval_invalid` when some were there that do not hold
 */
export async function verifyApprovals(
  snapshot: Snapshot,
  before: Snapshot | null,
  envelopes: readonly Uint8Array[],
  root: Root,
  identity: Identity,
  now: number,
): Promise<readonly Uint8Array[]> {
  const needed = approversNeeded(root, identity.cluster)
  if (needed === 0) return []
  if (envelopes.length > approvalsLimit) {
    throw new AgentError('approval_invalid', `${envelopes.length} approvals at once`)
  }
  const known = new Map(before?.applications.map((old) => [old.name, contentOf(old)]))
  const { vouched, refused } = await openAll(envelopes, root, identity)
  const kept = new Set<Uint8Array>()
  for (const application of snapshot.applications) {
    const content = contentOf(application)
    const about = vouched.filter(
      ({ approval }) => approval.application === application.name && approval.content === content,
    )
    const unchanged = known.get(application.name) === content
    const live = unchanged ? about : about.filter(({ approval }) => approval.expiresAt * 1000 > now)
    for (const { envelope } of live) kept.add(envelope)
    if (unchanged) continue
    const approvers = new Set(live.flatMap(({ signers }) => [...signers]))
    if (approvers.size >= needed) continue
    const code = live.length < about.length || refused ? 'approval_invalid' : 'approval_missing'
    throw new AgentError(
      code,
      `${application.name}: ${approvers.size} of ${needed} approvers have approved ${content}`,
      refused ? { cause: refused } : {},
    )
  }
  return [...kept]
}

/**
 * Approvals kept with an accepted snapshot, once more from the disk up. Their expiry is past
 * caring: what they approved was accepted in time.
 *
 * @throws AgentError `approval_invalid`
 */
export async function reopenApprovals(
  envelopes: readonly Uint8Array[],
  root: Root,
  identity: Identity,
): Promise<void> {
  const { refused } = await openAll(envelopes, root, identity)
  if (refused) throw new AgentError('approval_invalid', refused.message, { cause: refused })
}

async function openAll(
  envelopes: readonly Uint8Array[],
  root: Root,
  identity: Identity,
): Promise<{ vouched: readonly Vouched[]; refused: AgentError | undefined }> {
  const vouched: Vouched[] = []
  let refused: AgentError | undefined
  for (const envelope of envelopes) {
    try {
      vouched.push(await openApproval(envelope, root, identity))
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      refused ??= error
    }
  }
  return { vouched, refused }
}

async function openApproval(
  envelope: Uint8Array,
  root: Root,
  identity: Identity,
): Promise<Vouched> {
  const { payload, signers } = findSigners(envelope, 'approval', root.roles.approver.keys)
  if (signers.size === 0) {
    throw new AgentError('threshold_not_met', 'no trusted approver signed this')
  }
  const approval = parseApproval(payload)
  if (approval.fleet !== identity.fleet || approval.fleet !== root.fleet) {
    throw new AgentError('wrong_fleet', `this approval is for fleet ${approval.fleet}`)
  }
  if (!coversCluster(approval.clusters, identity.cluster)) {
    throw new AgentError('wrong_cluster', 'this approval is for other clusters')
  }
  return { envelope, approval, signers }
}

function contentOf(application: SnapshotApplication): Approval['content'] {
  return application.state === 'removed' ? 'removed' : application.manifest.digest
}
