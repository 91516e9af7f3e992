import type { Decision, LedgerEntry } from '../ledger/entry.ts'
import type { LedgerState } from '../ledger/replay.ts'
import { currentGate } from '../rollout/gate/gate.ts'
import type { RolloutPhase } from '../rollout/rollout.ts'
import { describeEntry } from '../status/event.ts'
import type { Notice, NoticeKind, NoticeSeverity } from './notice.ts'

type Known = Pick<LedgerState, 'plans' | 'runs'>

/** What of a decision is worth telling; none of most: a rollout moves far more often than people read. */
export function noticesOfEntry(entry: LedgerEntry, state: Known): Notice[] {
  const { decision } = entry
  if (decision.type === 'rollout.moved') return noticesOfMove(entry, decision, state)
  const found = severityOf(decision)
  if (!found) return []
  const { type, actor, subject, message } = describeEntry(entry)
  const rollout = decision.type === 'rollout.created' ? decision.plan : undefined
  const [kind, name] = splitSubject(subject)
  return [
    {
      ...{ id: `ledger/${entry.index}`, at: entry.at, type, severity: found, actor, message },
      ...(rollout
        ? { kind: 'Rollout', name: rollout.application, rollout: rollout.id }
        : { kind, name }),
      ...(rollout && { revision: rollout.revision }),
    },
  ]
}

/** `cluster/edge-1` → kind and name; whatever is of neither is of the fleet. */
export function splitSubject(subject: string): [kind: NoticeKind, name: string] {
  const at = subject.indexOf('/')
  const [kind, name] = [subject.slice(0, at), subject.slice(at + 1)]
  if (kind === 'application') return ['Application', name]
  if (kind === 'cluster') return ['Cluster', name]
  return ['Fleet', name]
}

const phases: Readonly<Record<RolloutPhase, readonly [type: string, NoticeSeverity]>> = {
  Planned: ['rollout.planned', 'info'],
  Progressing: ['rollout.progressing', 'info'],
  Paused: ['rollout.paused', 'warning'],
  RollingBack: ['rollout.rollingBack', 'error'],
  Succeeded: ['rollout.succeeded', 'info'],
  Failed: ['rollout.failed', 'error'],
  RolledBack: ['rollout.rolledBack', 'error'],
  Aborted: ['rollout.aborted', 'warning'],
  Superseded: ['rollout.superseded', 'info'],
}

function noticesOfMove(
  { index, at, actor }: LedgerEntry,
  { rollout, change, reason }: Extract<Decision, { type: 'rollout.moved' }>,
  { plans, runs }: Known,
): Notice[] {
  const plan = plans.get(rollout)
  // So old that it was forgotten.
  if (!plan) return []
  const of = {
    ...{ at, actor, kind: 'Rollout' as const, name: plan.application, rollout },
    revision: plan.revision,
  }
  const notices: Notice[] = []
  if (change.phase !== undefined) {
    const [type, severity] = phases[change.phase]
    const message = change.message ?? reason
    notices.push({ ...of, id: `ledger/${index}`, type, severity, message })
  }
  const run = runs.get(rollout)
  // By what is now: what waited once and was approved meanwhile is no news.
  const gate = run && currentGate(plan, run)
  if (gate) {
    const wave = plan.waves[gate.wave]?.name ?? ''
    const roles = [...new Set(gate.roles)].join(' and ')
    notices.push({
      ...of,
      // Once, however often the rollout moves while it waits.
      id: `${rollout}/approval/${gate.wave}/${gate.gate}`,
      type: 'rollout.waitsForApproval',
      severity: 'info',
      message: `waits ${gate.gate} wave ${wave} for an approval by the role ${roles}`,
    })
  }
  return notices
}

function severityOf(decision: Exclude<Decision, { type: 'rollout.moved' }>): NoticeSeverity | null {
  switch (decision.type) {
    case 'hold.set':
    case 'cluster.locked':
      return 'error'
    case 'cluster.pending':
    case 'cluster.revoked':
    case 'token.spent':
      return 'warning'
    case 'fleet.accepted':
    case 'rollout.created':
    case 'hold.released':
    case 'root.published':
    case 'approval.recorded':
    case 'apiToken.created':
    case 'apiToken.revoked':
    case 'lease.taken':
    case 'token.created':
    case 'cluster.enrolled':
    case 'cluster.approved':
    case 'cluster.unlocked':
    case 'cluster.recovered':
    case 'recovery.granted':
    case 'revert.proposed':
      return 'info'
    case 'rollout.overruled':
    case 'facts.reported':
    case 'receipts.kept':
    case 'alerts.told':
      return null
    default:
      return decision satisfies never
  }
}
