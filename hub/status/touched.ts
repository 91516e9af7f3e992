import type { Decision } from '../ledger/entry.ts'

/** Clusters that are counted otherwise after a decision. */
export function listTouched(decision: Decision): readonly string[] {
  if (decision.type === 'rollout.moved') return Object.keys(decision.change.clusters ?? {})
  if (decision.type === 'cluster.enrolled' || decision.type === 'cluster.pending') {
    return [decision.enrolment.cluster]
  }
  return 'cluster' in decision ? [decision.cluster] : []
}
