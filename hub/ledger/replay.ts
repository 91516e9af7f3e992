import type { ApiTokenRecord } from '../access/api-token.ts'
import { applyChange } from '../rollout/store/change.ts'
import { contentBefore, toContent, toPrevious } from '../rollout/content.ts'
import {
  type Assignment,
  type ClusterProgress,
  type Content,
  finalPhases,
  type Hold,
  type RolloutPlan,
  type RolloutRun,
} from '../rollout/rollout.ts'
import { listHeldRollouts } from '../rollout/hold/hold.ts'
import { goBackTo } from '../rollout/advance/proven-since.ts'
import { createRun } from '../rollout/plan/plan.ts'
import { emptyReceipts, foldReceipts, type ReceiptLines } from '../receipt/lines.ts'
import { type AcceptedRevisions, emptyAccepted, foldAccepted } from './accepted.ts'
import {
  addRollout,
  type ByApplication,
  emptyByApplication,
  forgetRollout,
  putAssignment,
  runsOf,
} from './by-application.ts'
import type { Decision, LedgerEntry, RecordedApproval } from './entry.ts'
import { emptyReported, foldFacts, type Reported } from './facts.ts'
import { emptyMembership, foldMembership, type Membership } from './membership.ts'
import { type WaveTimes, foldWaveTimes, noTimes } from './wave-times.ts'

/** Finished rollouts kept of each application; older ones are in the ledger only. */
const keptRollouts = 50
/** Proposed reverts kept: the newest. */
const keptReverts = 1_000
/** Approvals kept of each application: the newest. */
const keptApprovals = 200

/** Everything that follows from the ledger: what Redis holds can be rebuilt from it. */
export interface LedgerState
  extends Membership, Reported, ReceiptLines, ByApplication, AcceptedRevisions {
  /** Index of the newest entry folded in. */
  head: number
  /** Highest term a replica led in; 0 where there was ever one hub. */
  term: number
  /** Who leads in that term. */
  leader: Leader | null
  readonly plans: Map<string, RolloutPlan>
  readonly runs: Map<string, RolloutRun>
  /** By rollout: what took how long is told by it. */
  readonly waveTimes: Map<string, WaveTimes>
  /** By rollout: clusters that it ended without, and where Git has asked for something else since. */
  readonly overruled: Map<string, ReadonlySet<string>>
  /** By cluster, then application: what each should run, tombstones too. */
  readonly assignments: Map<string, Map<string, Assignment>>
  /** By cluster, then application: what last proved good there; where a rollback goes. */
  readonly good: Map<string, Map<string, Content>>
  /** By application. */
  readonly holds: Map<string, Hold>
  /** Root statements after the first, by version. */
  readonly roots: Map<number, Uint8Array>
  /** By application; newest last. */
  readonly approvals: Map<string, readonly RecordedApproval[]>
  /** By provider: the entry up to which it was told. */
  readonly told: Map<string, number>
  /** By repository and commit: where its revert is proposed. */
  readonly reverts: Map<string, string>
  /** By id, until revoked or long expired. */
  readonly apiTokens: Map<string, ApiTokenRecord>
}

/** The replica that took the lease last. */
export interface Leader {
  readonly replica: string
  /** `host:port` where other replicas reach it. */
  readonly address: string | undefined
}

export function emptyState(): LedgerState {
  return {
    head: 0,
    term: 0,
    leader: null,
    plans: new Map(),
    runs: new Map(),
    waveTimes: new Map(),
    overruled: new Map(),
    assignments: new Map(),
    good: new Map(),
    holds: new Map(),
    roots: new Map(),
    approvals: new Map(),
    told: new Map(),
    reverts: new Map(),
    apiTokens: new Map(),
    ...emptyAccepted(),
    ...emptyByApplication(),
    ...emptyMembership(),
    ...emptyReported(),
    ...emptyReceipts(),
  }
}

/** Folds a ledger from its beginning. */
export async function replay(
  entries: AsyncIterable<LedgerEntry> | Iterable<LedgerEntry>,
): Promise<LedgerState> {
  const state = emptyState()
  for await (const entry of entries) foldEntry(state, entry)
  return state
}

/**
 * Moves `state` on by one entry. An entry folded twice changes nothing, and entries about different
 * things may come in any order: each writer folds its own as its append returns.
 */
export function foldEntry(state: LedgerState, entry: LedgerEntry): void {
  state.head = Math.max(state.head, entry.index)
  const { decision } = entry
  switch (decision.type) {
    case 'fleet.accepted':
      foldAccepted(state, decision.revision)
      return
    case 'rollout.created':
      if (state.plans.has(decision.plan.id)) return
      addRollout(state, decision.plan, createRun(decision.plan))
      forgetOld(state, decision.plan.application)
      return
    case 'rollout.moved':
      foldMove(state, decision)
      return
    case 'rollout.overruled': {
      const { rollout, clusters } = decision
      if (!state.plans.has(rollout)) return
      state.overruled.set(rollout, new Set([...(state.overruled.get(rollout) ?? []), ...clusters]))
      return
    }
    case 'hold.set':
      state.holds.set(decision.hold.application, decision.hold)
      return
    case 'hold.released':
      state.holds.delete(decision.application)
      return
    case 'root.published':
      state.roots.set(decision.version, Buffer.from(decision.envelope, 'base64'))
      return
    case 'approval.recorded': {
      const { approval } = decision
      const others = (state.approvals.get(approval.application) ?? []).filter(
        ({ envelope, expiresAt }) => envelope !== approval.envelope && expiresAt * 1000 > entry.at,
      )
      state.approvals.set(approval.application, [...others, approval].slice(-keptApprovals))
      return
    }
    case 'apiToken.created':
      for (const [id, { expiresAt }] of state.apiTokens) {
        if (expiresAt <= entry.at) state.apiTokens.delete(id)
      }
      state.apiTokens.set(decision.token.id, decision.token)
      return
    case 'apiToken.revoked':
      state.apiTokens.delete(decision.id)
      return
    case 'facts.reported':
      foldFacts(state, decision)
      return
    case 'receipts.kept':
      // Nothing follows from them: they are for who looks back, and is told where to look.
      foldReceipts(state, entry.index, decision.receipts)
      return
    case 'alerts.told':
      for (const [provider, index] of Object.entries(decision.through)) {
        state.told.set(provider, Math.max(index, state.told.get(provider) ?? 0))
      }
      return
    case 'revert.proposed':
      state.reverts.set(`${decision.repository} ${decision.commit}`, decision.url)
      for (const oldest of state.reverts.keys()) {
        if (state.reverts.size <= keptReverts) break
        state.reverts.delete(oldest)
      }
      return
    case 'lease.taken':
      state.term = Math.max(state.term, decision.term)
      state.leader = { replica: decision.replica, address: decision.address }
      return
    case 'token.created':
    case 'token.spent':
    case 'cluster.enrolled':
    case 'cluster.pending':
    case 'cluster.approved':
    case 'cluster.revoked':
    case 'cluster.locked':
    case 'cluster.unlocked':
    case 'cluster.recovered':
    case 'recovery.granted':
      foldMembership(state, decision, entry.at)
      return
  }
}

/** What a cluster's progress says it was assigned; null when this rollout did not touch it. */
export function assignedBy(
  plan: RolloutPlan,
  cluster: string,
  progress: ClusterProgress,
): Assignment | null {
  const target = plan.targets[cluster]
  if (!target) return null
  const make = (content: Content, generation: number): Assignment => ({
    cluster,
    application: plan.application,
    ...toContent(content),
    generation,
    rollout: plan.id,
  })
  switch (progress.state) {
    case 'Pending':
      return progress.generation === undefined ? null : make(target, progress.generation)
    case 'Offered':
    case 'Soaking':
      return make(target, progress.generation)
    case 'Done':
      if (progress.withdrawn) return make(contentBefore(plan, cluster), progress.generation)
      return progress.generation === 0 ? null : make(target, progress.generation)
    case 'Reverting':
    case 'Reverted':
      return make(contentBefore(plan, cluster), progress.generation)
  }
}

/**
 * What proved good on a cluster is good until it is taken back: the next rollback must not lead to
 * what this one leads away from.
 */
function foldGood(
  state: LedgerState,
  plan: RolloutPlan,
  cluster: string,
  progress: ClusterProgress,
): void {
  const target = plan.targets[cluster]
  const mine = state.good.get(cluster) ?? new Map<string, Content>()
  if (!target) return
  if (progress.state === 'Done' && progress.outcome === 'Succeeded') {
    state.good.set(cluster, mine.set(plan.application, toPrevious(target)))
  } else if (progress.state === 'Reverting' || progress.state === 'Reverted') {
    if (target.previous) mine.set(plan.application, target.previous)
    else mine.delete(plan.application)
    state.good.set(cluster, mine)
  }
}

function foldMove(
  state: LedgerState,
  { rollout: id, change, previous }: Extract<Decision, { type: 'rollout.moved' }>,
): void {
  const run = state.runs.get(id)
  const planned = state.plans.get(id)
  // A move that lost the race for its version never took effect.
  if (!run || !planned || change.version !== run.version + 1) return
  const plan = previous ? goBackTo(planned, previous) : planned
  state.plans.set(id, plan)
  const moved = applyChange(run, change)
  state.runs.set(id, moved)
  state.waveTimes.set(id, foldWaveTimes(state.waveTimes.get(id) ?? noTimes, run, change))
  for (const [cluster, progress] of Object.entries(change.clusters ?? {})) {
    const assignment = assignedBy(plan, cluster, progress)
    if (!assignment) continue
    foldGood(state, plan, cluster, progress)
    const held = state.assignments.get(cluster)?.get(plan.application)
    if (held && held.generation >= assignment.generation) continue
    putAssignment(state, assignment)
  }
}

function forgetOld(state: LedgerState, application: string): void {
  const hold = state.holds.get(application)
  const held = new Set(hold && listHeldRollouts(hold))
  const finished = runsOf(state, application).filter(
    (run) => finalPhases.has(run.phase) && !held.has(run.id),
  )
  for (const { id } of finished.slice(0, -keptRollouts)) {
    forgetRollout(state, state.plans.get(id)!)
    state.waveTimes.delete(id)
    state.overruled.delete(id)
  }
}
