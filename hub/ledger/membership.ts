import type { Digest } from '@groundswell/proto/digest.ts'
import type { Decision, Enrolment, JoinTokenRecord } from './entry.ts'

/** Who belongs to the fleet, as the ledger says. */
export interface Membership {
  /** By token id, until used or long expired. */
  readonly tokens: Map<string, JoinTokenRecord>
  /** When there are so many, expired ones are looked for: a look for each that is made would be quadratic. */
  sweepTokensAt: number
  readonly usedTokens: Set<string>
  /** By cluster. */
  readonly enrolments: Map<string, Enrolment>
  /** Cluster id → cluster, of `enrolments`. */
  readonly clusterIds: Map<string, string>
  /** UID of a kube-system namespace → clusters of `enrolments` that have it; more than one only by a replacement. */
  readonly clusterUids: Map<string, Set<string>>
  /** UID of a kube-system namespace → ids that its agents were given, the newest last. */
  readonly agentIds: Map<string, readonly string[]>
  /** By cluster: who joined and waits for approval; the newest only. */
  readonly pending: Map<string, Enrolment>
  /** Cluster → why its agent may not connect; until it is enrolled again. */
  readonly revoked: Map<string, string>
  /** Cluster → why; until it is unlocked or enrolled again. */
  readonly locked: Map<string, string>
}

export type MembershipDecision = Extract<
  Decision,
  { readonly type: `token.${string}` | `cluster.${string}` | `recovery.${string}` }
>

/** The bound key of a new member may take one certificate by itself after the first. */
export const recoveryBudget = 1

/** Of one cluster; each stands for a join. */
const agentIdsKept = 16

export function emptyMembership(): Membership {
  return {
    tokens: new Map(),
    sweepTokensAt: 0,
    usedTokens: new Set(),
    enrolments: new Map(),
    clusterIds: new Map(),
    clusterUids: new Map(),
    agentIds: new Map(),
    pending: new Map(),
    revoked: new Map(),
    locked: new Map(),
  }
}

export function seriesOf({ series }: Enrolment): number {
  return series ?? 0
}

export function recoverableOf({ recoverable }: Enrolment): number {
  return recoverable ?? recoveryBudget
}

/** Why an identity counts no longer; undefined while it does. */
export function findBar(
  { enrolments, revoked, locked }: Membership,
  { cluster, clusterId }: Pick<Enrolment, 'cluster' | 'clusterId'>,
): string | undefined {
  if (enrolments.get(cluster)?.clusterId !== clusterId) return tookItsPlace
  const revokedFor = revoked.get(cluster)
  if (revokedFor !== undefined) return `this cluster was revoked${because(revokedFor)}`
  const lockedFor = locked.get(cluster)
  return lockedFor === undefined ? undefined : `this cluster is locked${because(lockedFor)}`
}

/** Who is enrolled with this UID and was not revoked since; found by the UID, not by a walk of the fleet. */
export function listSharing(membership: Membership, clusterUid: string): Enrolment[] {
  const sharing = [...(membership.clusterUids.get(clusterUid) ?? [])]
  return sharing.flatMap((cluster) => {
    const enrolment = membership.enrolments.get(cluster)
    return enrolment && !membership.revoked.has(cluster) ? [enrolment] : []
  })
}

/** Who may connect: enrolled, and neither revoked nor locked since. */
export function listEnrolled(membership: Membership): Enrolment[] {
  return [...membership.enrolments.values()].filter((one) => findBar(membership, one) === undefined)
}

/** Whose stream ends, and what it is told. */
export interface Ended {
  readonly cluster: string
  readonly reason: string
  /** Id of who stays, where the cluster has another agent now. */
  readonly but?: string
}

/** Whose streams end by a decision. */
export function endedBy(decision: Decision): Ended | undefined {
  const { type } = decision
  if (type === 'cluster.revoked') {
    return { cluster: decision.cluster, reason: 'this cluster was revoked' }
  }
  if (type === 'cluster.locked') {
    return { cluster: decision.cluster, reason: `this cluster is locked: ${decision.reason}` }
  }
  // Who was there before must not go on reporting until the new one comes.
  if (type === 'cluster.enrolled') {
    const { cluster, clusterId } = decision.enrolment
    return { cluster, reason: tookItsPlace, but: clusterId }
  }
  if (type !== 'cluster.approved') return undefined
  return { cluster: decision.cluster, reason: tookItsPlace, but: decision.clusterId }
}

const tookItsPlace = 'another agent took its place'

/** The same decision again changes nothing. `at` is when it was made. */
export function foldMembership(state: Membership, decision: MembershipDecision, at: number): void {
  switch (decision.type) {
    case 'token.created':
      state.tokens.set(decision.token.tokenId, decision.token)
      if (state.tokens.size >= state.sweepTokensAt) sweepTokens(state, at)
      return
    case 'token.spent':
      useToken(state, decision.tokenId)
      return
    case 'cluster.enrolled':
      useToken(state, decision.tokenId)
      admit(state, decision.enrolment)
      return
    case 'cluster.pending': {
      const { enrolment, tokenId } = decision
      useToken(state, tokenId)
      if (state.clusterIds.has(enrolment.clusterId)) return
      state.pending.set(enrolment.cluster, enrolment)
      return
    }
    case 'cluster.approved': {
      const waiting = state.pending.get(decision.cluster)
      if (waiting?.clusterId === decision.clusterId) admit(state, waiting)
      return
    }
    case 'cluster.revoked':
      state.pending.delete(decision.cluster)
      state.revoked.set(decision.cluster, decision.reason)
      return
    case 'cluster.locked':
      if (current(state, decision)) state.locked.set(decision.cluster, decision.reason)
      return
    case 'cluster.unlocked':
      raise(state, decision)
      if (current(state, decision)) state.locked.delete(decision.cluster)
      return
    case 'cluster.recovered':
    case 'recovery.granted':
      raise(state, decision)
      return
  }
}

function sweepTokens(state: Membership, at: number): void {
  for (const [id, token] of state.tokens) if (token.expiresAt < at) state.tokens.delete(id)
  state.sweepTokensAt = state.tokens.size * 2
}

function useToken(state: Membership, tokenId: string): void {
  state.tokens.delete(tokenId)
  state.usedTokens.add(tokenId)
}

function admit(state: Membership, enrolment: Enrolment): void {
  const { cluster, clusterId } = enrolment
  const before = state.enrolments.get(cluster)
  if (before) forget(state, before)
  // Folded again, it must not take back what was decided of the same identity since.
  const kept = before?.clusterId === clusterId ? before : enrolment
  state.enrolments.set(cluster, kept)
  state.clusterIds.set(clusterId, cluster)
  const sharing = state.clusterUids.get(kept.clusterUid) ?? new Set()
  state.clusterUids.set(kept.clusterUid, sharing.add(cluster))
  const ids = (state.agentIds.get(kept.clusterUid) ?? []).filter((id) => id !== clusterId)
  state.agentIds.set(kept.clusterUid, [...ids, clusterId].slice(-agentIdsKept))
  state.pending.delete(cluster)
  state.revoked.delete(cluster)
  state.locked.delete(cluster)
}

function forget(state: Membership, { cluster, clusterId, clusterUid }: Enrolment): void {
  state.clusterIds.delete(clusterId)
  const sharing = state.clusterUids.get(clusterUid)
  sharing?.delete(cluster)
  if (sharing?.size === 0) state.clusterUids.delete(clusterUid)
}

function current(
  state: Membership,
  { cluster, clusterId }: { readonly cluster: string; readonly clusterId: string },
): Enrolment | undefined {
  const enrolment = state.enrolments.get(cluster)
  return enrolment?.clusterId === clusterId ? enrolment : undefined
}

function raise(
  state: Membership,
  decision: {
    readonly cluster: string
    readonly clusterId: string
    readonly series?: number
    readonly recoverable?: number
    readonly key?: Digest
  },
): void {
  const enrolment = current(state, decision)
  if (!enrolment) return
  state.enrolments.set(decision.cluster, {
    ...enrolment,
    series: Math.max(seriesOf(enrolment), decision.series ?? 0),
    recoverable: Math.max(recoverableOf(enrolment), decision.recoverable ?? 0),
    ...(decision.key ? { claimedKey: decision.key } : {}),
  })
}

function because(reason: string): string {
  return reason ? `: ${reason}` : ''
}
