import type { KeptReceipt } from '../ledger/entry.ts'

/* Where the ledger has what agents signed; the lines themselves stay on the disk. */

export interface ReceiptLines {
  /** By cluster, then application: lines with a receipt of it, rising; the newest. */
  readonly receiptLines: Map<string, Map<string, number[]>>
}

/** Lines known of an application on a cluster; older ones are found by who reads the ledger. */
const linesKept = 50

export function emptyReceipts(): ReceiptLines {
  return { receiptLines: new Map() }
}

/** A line folded twice changes nothing; lines may come in any order. */
export function foldReceipts(
  { receiptLines }: ReceiptLines,
  line: number,
  receipts: readonly KeptReceipt[],
): void {
  for (const { cluster, application } of receipts) {
    let mine = receiptLines.get(cluster)
    if (!mine) receiptLines.set(cluster, (mine = new Map()))
    const lines = mine.get(application)
    if (!lines) mine.set(application, [line])
    else insert(lines, line)
  }
}

/** Whether an application is assigned to a cluster, or was when a receipt of it was kept. */
export function isOrWasThere(
  {
    assignments,
    receiptLines,
  }: ReceiptLines & {
    readonly assignments: ReadonlyMap<string, ReadonlyMap<string, unknown>>
  },
  cluster: string,
  application: string,
): boolean {
  return [assignments, receiptLines].some((of) => of.get(cluster)?.has(application) === true)
}

function insert(lines: number[], line: number): void {
  const before = lines.findLastIndex((one) => one <= line)
  if (lines[before] === line) return
  lines.splice(before + 1, 0, line)
  if (lines.length > linesKept) lines.shift()
}

/** Lines with a receipt of any of these applications, falling, each once. */
export function* listReceiptLines(
  { receiptLines }: ReceiptLines,
  cluster: string,
  keep: (application: string) => boolean,
): Generator<number> {
  const found = new Set<number>()
  for (const [application, lines] of receiptLines.get(cluster) ?? []) {
    if (keep(application)) for (const line of lines) found.add(line)
  }
  yield* [...found].sort((a, b) => b - a)
}
