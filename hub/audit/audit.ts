import { openReceipt } from '@groundswell/proto/receipt.ts'
import { HubError } from '../errors.ts'
import { type ChainHead, emptyChain, followChain } from '../ledger/chain.ts'
import type { Enrolment, KeptReceipt, LedgerEntry } from '../ledger/entry.ts'
import { assignedBy, emptyState, foldEntry } from '../ledger/replay.ts'

/** What an audit of a ledger found. */
export interface Audit {
  readonly entries: number
  readonly head: ChainHead
  readonly receipts: number
  /** In the order of the lines; empty when all holds. */
  readonly faults: readonly AuditFinding[]
}

export interface AuditFinding {
  readonly line: number
  readonly message: string
}

const mostFaults = 1_000

/**
 * Judges a ledger by itself: that no line is missing or altered, and that each receipt was signed by
 * the key of its cluster and is of content which was decided for that cluster before.
 */
export function auditLedger(text: string): Audit {
  const faults: AuditFinding[] = []
  const fault = (line: number, message: string): void => {
    if (faults.length < mostFaults) faults.push({ line, message })
  }
  const state = emptyState()
  const identities = new Map<string, Enrolment>()
  const decided = new Set<string>()
  let head = emptyChain
  let receipts = 0

  const lines = text.split('\n')
  const last = lines.pop()
  if (last) fault(lines.length + 1, 'it is not whole: the ledger was cut off while it was written')
  for (const line of lines) {
    let entry: LedgerEntry
    try {
      ;({ head, entry } = followChain(head, line))
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      // Nothing behind a broken link can be trusted.
      fault(head.index + 1, error.message)
      break
    }
    note(entry)
  }
  return { entries: head.index, head, receipts, faults }

  function note(entry: LedgerEntry): void {
    const { decision } = entry
    if (decision.type === 'cluster.enrolled' || decision.type === 'cluster.pending') {
      identities.set(decision.enrolment.clusterId, decision.enrolment)
    }
    if (decision.type === 'receipts.kept') {
      for (const one of decision.receipts) {
        receipts += 1
        const why = findFault(one)
        if (why !== undefined) {
          fault(entry.index, `the receipt of ${one.application} on ${one.cluster}: ${why}`)
        }
      }
    }
    foldEntry(state, entry)
    if (decision.type !== 'rollout.moved') return
    const plan = state.plans.get(decision.rollout)
    for (const [cluster, progress] of Object.entries(decision.change.clusters ?? {})) {
      const made = plan && assignedBy(plan, cluster, progress)
      if (made) decided.add(nameOf(cluster, made.application, made.generation, made.digest))
    }
  }

  function findFault({ cluster, application, receipt: envelope, results }: KeptReceipt) {
    const signer = [...identities.values()].filter((one) => one.cluster === cluster)
    const bytes = Buffer.from(envelope, 'latin1')
    for (const { boundKey, clusterId } of signer.reverse()) {
      try {
        const receipt = openReceipt(bytes, boundKey)
        if (receipt.iss !== clusterId) return 'it is of another cluster'
        if (receipt.application !== application || receipt.results !== results) {
          return 'the ledger says other things of it than it says itself'
        }
        const digest = receipt.content === 'removed' ? null : receipt.content
        if (decided.has(nameOf(cluster, application, receipt.generation, digest))) return undefined
        return `it is of content that was never decided for this cluster (generation ${receipt.generation})`
      } catch {
        // Of an identity before or after.
      }
    }
    return 'its signature is not by a key of its cluster'
  }
}

function nameOf(cluster: string, application: string, generation: number, digest: string | null) {
  return JSON.stringify([cluster, application, generation, digest])
}
