import type { Digest } from '@groundswell/proto/digest.ts'
import {
  type ObjectReceipt,
  type Receipt,
  ReceiptError,
  parseResults,
  readReceipt,
} from '@groundswell/proto/receipt.ts'
import type { Ledger } from '../ledger/entry.ts'
import { listReceiptLines, type ReceiptLines } from './lines.ts'

/** A receipt as the ledger has it. */
export interface FiledReceipt {
  readonly id: ReceiptPlace
  /** Milliseconds; when the hub kept it. */
  readonly keptAt: number
  readonly cluster: string
  readonly receipt: Receipt
  /** Compact JWS. */
  readonly envelope: string
}

/** Where it is: a line of the ledger, and which of that line's. */
export interface ReceiptPlace {
  readonly line: number
  readonly at: number
}

export interface KeptReceiptsDeps {
  readonly state: ReceiptLines
  readonly read: Ledger['read']
  /** What came of each object, by its digest; undefined when it is no longer here. */
  readonly results: (digest: Digest) => Promise<Uint8Array | undefined>
}

/** Receipts that were kept, read back for who looks; nothing is decided by them. */
export function createKeptReceipts({ state, read, results }: KeptReceiptsDeps) {
  /** Those of one line, falling. */
  async function readLine(cluster: string, line: number): Promise<FiledReceipt[]> {
    for await (const { index, at: keptAt, decision } of read(line - 1)) {
      if (index !== line || decision.type !== 'receipts.kept') return []
      return decision.receipts
        .flatMap((kept, at): FiledReceipt[] => {
          if (kept.cluster !== cluster) return []
          const { receipt: envelope } = kept
          const receipt = readReceipt(Buffer.from(envelope, 'latin1'))
          return [{ id: { line, at }, keptAt, cluster, receipt, envelope }]
        })
        .toReversed()
    }
    return []
  }

  return {
    /** Newest first, from the first that is older than the place `after`. */
    async *list(
      cluster: string,
      keep: (application: string) => boolean,
      after: ReceiptPlace | null,
    ): AsyncGenerator<FiledReceipt> {
      for (const line of listReceiptLines(state, cluster, keep)) {
        if (after && line > after.line) continue
        for (const one of await readLine(cluster, line)) {
          if (after && line === after.line && one.id.at >= after.at) continue
          if (keep(one.receipt.application)) yield one
        }
      }
    },

    /** Undefined when there is none of the cluster in that place. */
    async find(cluster: string, { line, at }: ReceiptPlace): Promise<FiledReceipt | undefined> {
      return (await readLine(cluster, line)).find(({ id }) => id.at === at)
    },

    /** What came of each object; undefined when that is no longer here, or was never of any shape. */
    async resultsOf({ receipt }: FiledReceipt): Promise<readonly ObjectReceipt[] | undefined> {
      const bytes = await results(receipt.results)
      try {
        return bytes && parseResults(bytes)
      } catch (error) {
        if (error instanceof ReceiptError) return undefined
        throw error
      }
    },
  }
}

export type KeptReceipts = ReturnType<typeof createKeptReceipts>
