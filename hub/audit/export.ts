import { type Digest, digestOf, isDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../errors.ts'
import { type ChainHead, emptyChain, followChain } from '../ledger/chain.ts'
import type { LedgerEntry } from '../ledger/entry.ts'
import { describeEntry } from '../status/event.ts'

/** Part of a ledger: which lines, and what links them to the rest. */
export interface LedgerRange {
  readonly from: number
  readonly to: number
  /** Digest of the line before the first: what that continues. */
  readonly before: Digest
  /** Where the whole ledger ended when this was made. */
  readonly head: ChainHead
}

/** Which entries are wanted; all that is given has to hold. */
export interface Wanted {
  /** Indexes, both inclusive. */
  readonly from?: number
  readonly to?: number
  /** Milliseconds since the epoch; the end is exclusive. */
  readonly since?: number
  readonly until?: number
}

export interface LedgerExport {
  readonly range: LedgerRange
  /** As they are written, without line feeds. */
  readonly lines: readonly string[]
  readonly entries: readonly LedgerEntry[]
}

/**
 * The lines of a ledger between two indexes or times, without a gap. The chain is followed from its
 * first line to its last, so what comes out is part of one that holds.
 *
 * @throws HubError `ledger_corrupt` naming the first line that does not follow, `not_found` when
 *   nothing is in the range
 */
export function exportLedger(text: string, wanted: Wanted): LedgerExport {
  const { from = 1, to = Infinity, since = -Infinity, until = Infinity } = wanted
  let head = emptyChain
  let first: { before: Digest; index: number } | undefined
  const entries: LedgerEntry[] = []
  const lines: string[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const { digest } = head
    const followed = followChain(head, line)
    ;({ head } = followed)
    const { entry } = followed
    const { index, at } = entry
    if (index < from || index > to || at < since || at >= until) continue
    first ??= { before: digest, index }
    // Clocks are set; an entry between two that are wanted is not left out.
    if (index !== first.index + entries.length) {
      throw new HubError(
        'ledger_corrupt',
        `the clock went back before entry ${index}: ask for a range of indexes`,
      )
    }
    entries.push(entry)
    lines.push(line)
  }
  if (!first) throw new HubError('not_found', 'the ledger has no entry in this range')
  const last = first.index + entries.length - 1
  return { range: { from: first.index, to: last, before: first.before, head }, lines, entries }
}

/** One line that says what follows, then the lines of the ledger as they are. */
export function formatExport({ range, lines }: LedgerExport): string {
  return [JSON.stringify({ ledgerExport: range }), ...lines, ''].join('\n')
}

/**
 * What a file says that is an export; undefined of a whole ledger.
 *
 * @throws HubError `ledger_corrupt` when its first line is neither
 */
export function readRange(firstLine: string): LedgerRange | undefined {
  let value: unknown
  try {
    value = JSON.parse(firstLine)
  } catch {
    return undefined
  }
  const given = isRecord(value) ? value['ledgerExport'] : undefined
  if (!isRecord(given)) return undefined
  const { from, to, before, head } = given
  const end = isRecord(head) ? head : {}
  if (
    !Number.isSafeInteger(from) ||
    !Number.isSafeInteger(to) ||
    !isDigest(before) ||
    !Number.isSafeInteger(end['index']) ||
    !isDigest(end['digest'])
  ) {
    throw new HubError('ledger_corrupt', 'line 1: the range of the export is not whole')
  }
  return given as unknown as LedgerRange
}

/**
 * Judges an export: its lines follow each other, begin where it says and end where it says. With the
 * head of the ledger at that time, they are part of it if the export goes up to there.
 *
 * @throws HubError `ledger_corrupt` naming the first line that does not follow
 */
export function verifyExport(text: string, range: LedgerRange): ChainHead {
  let head: ChainHead = { index: range.from - 1, digest: range.before }
  for (const line of text.split('\n').slice(1)) {
    if (line !== '') ({ head } = followChain(head, line))
  }
  if (head.index !== range.to) {
    throw new HubError('ledger_corrupt', `it ends with entry ${head.index}, not with ${range.to}`)
  }
  if (range.to === range.head.index && head.digest !== range.head.digest) {
    throw new HubError(
      'ledger_corrupt',
      `its last line is not the one it says the ledger ended with`,
    )
  }
  return head
}

const columns = ['index', 'at', 'actor', 'type', 'subject', 'message', 'digest', 'previous']

/** A table (RFC 4180) of what people read; the digest of each line finds it in the ledger. */
export function formatCsv({ lines, entries }: LedgerExport): string {
  const rows = entries.map((entry, at) => {
    const { type, actor, subject, message } = describeEntry(entry)
    const time = new Date(entry.at).toISOString()
    const digest = digestOf(lines[at]!)
    return [String(entry.index), time, actor, type, subject, message, digest, entry.previous]
  })
  return [columns, ...rows].map((row) => `${row.map(toCell).join(',')}\r\n`).join('')
}

/** Quoted where it has to be; what a spreadsheet would run as a formula is made text. */
function toCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
