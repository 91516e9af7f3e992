import type { Freshness } from '@groundswell/proto/statement.ts'
import type { AuditFault, AuditHead } from './state.ts'

/** What an agent has seen of the hub's ledger: it only grows, and nobody may tell it otherwise. */
export interface Witness {
  /** The furthest head that was told. */
  readonly auditHead?: AuditHead
  /** The first contradiction; it stands until a newer root statement, the word of the root keys. */
  readonly auditFault?: AuditFault
  /** The last head told was below the furthest. */
  readonly below?: boolean
}

/**
 * Holds the head that a freshness statement tells against what was told before (T38). Another line
 * in the place of one that was seen is a fork at once. A head further back must be told twice in a
 * row: one of several hubs may be a moment behind. A contradiction is told and stops nothing.
 */
export function witnessHead(before: Witness, freshness: Pick<Freshness, 'auditHead'>): Witness {
  const { below: wasBelow, ...kept } = before
  const { auditHead: seen } = before
  const told = freshness.auditHead
  if (!seen) return told ? { ...kept, auditHead: told } : kept
  const toldIndex = told?.index ?? 0
  if (told && toldIndex > seen.index) return { ...kept, auditHead: told }
  if (told && toldIndex === seen.index) {
    if (told.digest === seen.digest || kept.auditFault) return kept
    return { ...kept, auditFault: { code: 'audit_forked', seen, told } }
  }
  if (!wasBelow || kept.auditFault) return { ...kept, below: true }
  return { ...kept, below: true, auditFault: { code: 'audit_rewound', seen, told } }
}
