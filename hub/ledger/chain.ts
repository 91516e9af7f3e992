import { type Digest, digestOf, isDigest } from '@groundswell/proto/digest.ts'
import { HubError } from '../errors.ts'
import type { Decision, LedgerEntry } from './entry.ts'
import { isRecord } from '@groundswell/proto/record.ts'

/** Where a chain ends: what the next line must continue. */
export interface ChainHead {
  /** Index of the last entry; 0 when there is none. */
  readonly index: number
  /** Digest of the last line; of the empty text when there is none. */
  readonly digest: Digest
}

export const emptyChain: ChainHead = { index: 0, digest: digestOf('') }

/** An entry's line, without the line feed. Its digest is what the next entry continues. */
export function formatLine(entry: LedgerEntry): string {
  const { index, previous, at, actor, decision } = entry
  return JSON.stringify({ index, previous, at, actor, decision })
}

/** Where the chain ends when this is its last entry. */
export function headOf(entry: LedgerEntry): ChainHead {
  return { index: entry.index, digest: digestOf(formatLine(entry)) }
}

/** Adds decisions to a chain: the lines to write and where the chain then ends. */
export function extendChain(
  head: ChainHead,
  at: number,
  actor: string,
  decisions: readonly Decision[],
): { readonly head: ChainHead; readonly entries: LedgerEntry[]; readonly lines: string[] } {
  const entries: LedgerEntry[] = []
  const lines: string[] = []
  let end = head
  for (const decision of decisions) {
    const entry = { index: end.index + 1, previous: end.digest, at, actor, decision }
    const line = formatLine(entry)
    entries.push(entry)
    lines.push(line)
    end = { index: entry.index, digest: digestOf(line) }
  }
  return { head: end, entries, lines }
}

/**
 * Reads a line that must continue `head`.
 *
 * @throws HubError `ledger_corrupt` naming the line: not an entry, out of order, or not the
 *   successor of the line before it.
 */
export function followChain(
  head: ChainHead,
  line: string,
): { readonly head: ChainHead; readonly entry: LedgerEntry } {
  const number = head.index + 1
  const entry = parseEntry(line, number)
  if (entry.index !== number) throw corrupt(number, `it says it is entry ${entry.index}`)
  if (entry.previous !== head.digest) throw corrupt(number, 'it does not continue the line before')
  return { head: { index: number, digest: digestOf(line) }, entry }
}

/**
 * One entry, whatever its place.
 *
 * @throws HubError `ledger_corrupt`, or `ledger_newer` when a later version wrote it, naming line `number`
 */
export function parseEntry(line: string, number: number): LedgerEntry {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw corrupt(number, 'it is not JSON', cause)
  }
  if (!isShaped(value)) throw corrupt(number, 'it is not a ledger entry')
  if (!isEntry(value)) {
    const why = `it decides ${value.decision.type}, which this version does not know: a newer hub wrote it, and only such a one goes on with it; or it is damaged`
    throw new HubError('ledger_newer', `ledger line ${number}: ${why}`)
  }
  return value
}

// A record, so that the compiler notices a decision that is missing here.
const decisionTypes: Readonly<Record<Decision['type'], true>> = {
  'fleet.accepted': true,
  'rollout.created': true,
  'rollout.moved': true,
  'rollout.overruled': true,
  'hold.set': true,
  'hold.released': true,
  'token.created': true,
  'apiToken.created': true,
  'apiToken.revoked': true,
  'token.spent': true,
  'cluster.enrolled': true,
  'cluster.pending': true,
  'cluster.approved': true,
  'cluster.revoked': true,
  'root.published': true,
  'approval.recorded': true,
  'cluster.locked': true,
  'cluster.unlocked': true,
  'cluster.recovered': true,
  'facts.reported': true,
  'recovery.granted': true,
  'receipts.kept': true,
  'lease.taken': true,
  'alerts.told': true,
  'revert.proposed': true,
}

type Shaped = Omit<LedgerEntry, 'decision'> & { readonly decision: { readonly type: string } }

function isEntry(value: Shaped): value is LedgerEntry {
  return Object.hasOwn(decisionTypes, value.decision.type)
}

/** Whether it is an entry by all but what it decides. */
function isShaped(value: unknown): value is Shaped {
  if (!isRecord(value)) return false
  const { index, previous, at, actor, decision } = value
  return (
    Number.isSafeInteger(index) &&
    isDigest(previous) &&
    Number.isSafeInteger(at) &&
    typeof actor === 'string' &&
    isRecord(decision) &&
    typeof decision['type'] === 'string' &&
    /^[a-zA-Z]{1,40}\.[a-zA-Z]{1,40}$/.test(decision['type'])
  )
}

function corrupt(line: number, why: string, cause?: unknown): HubError {
  return new HubError('ledger_corrupt', `ledger line ${line}: ${why}`, { cause })
}
