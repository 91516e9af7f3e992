import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { type Receipt, openReceipt, receiptLimits } from '@groundswell/proto/receipt.ts'
import type { Receipt as ReceiptMessage } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import type { Decision, Enrolment, KeptReceipt } from '../ledger/entry.ts'

export interface ReceiptsDeps {
  readonly fleet: string
  readonly append: (actor: string, decisions: readonly Decision[]) => Promise<unknown>
  /** Keeps what came of each object, by its digest. */
  readonly store: (results: ReadonlyMap<Digest, Uint8Array>) => Promise<void>
  /** Calls back after `ms`; given in, so that tests own time. */
  readonly later: (ms: number, run: () => void) => void
  readonly log: (level: 'info' | 'warn', message: string, fields: object) => void
}

/** Rollouts are moved first: receipts are for later, so they gather for a while. */
const gatherMs = 1_000
const batch = 100
/** Agents that send more than is kept lose the oldest; their statuses do not hang on receipts. */
const waitingAtMost = 5_000
/** Results that wait, in bytes. */
const waitingBytes = 64 * 1024 * 1024

interface Waiting {
  readonly enrolment: Enrolment
  readonly message: ReceiptMessage
}

interface Judged {
  readonly cluster: string
  readonly application: string
  /** What is news about it. */
  readonly says: string
  readonly receipt: KeptReceipt
}

/**
 * Takes receipts in beside everything else: judged by the key that the record has of the cluster,
 * then a line of the ledger for up to a hundred of them. Each once.
 */
export function createReceipts(deps: ReceiptsDeps) {
  let waiting: Waiting[] = []
  let bytes = 0
  let due = false
  /** Of each application on each cluster, what the receipt says that was kept last. */
  const newest = new Map<string, string>()
  let lost = 0

  function judge({ enrolment, message }: Waiting): Judged | undefined {
    const { cluster, clusterId, boundKey } = enrolment
    try {
      const receipt = openReceipt(message.envelope, boundKey)
      if (receipt.iss !== clusterId || receipt.fleet !== deps.fleet) {
        throw new Error('it is of another cluster')
      }
      if (digestOf(message.results) !== receipt.results) {
        throw new Error('its results are not those it names')
      }
      return describe(cluster, receipt, message.envelope)
    } catch (error) {
      deps.log('warn', 'a receipt is not believed', { cluster, why: (error as Error).message })
      return undefined
    }
  }

  async function flush(): Promise<void> {
    due = false
    const taken = waiting.splice(0, batch)
    if (taken.length === 0) return
    bytes -= taken.reduce((sum, { message }) => sum + message.results.byteLength, 0)
    if (waiting.length > 0) schedule(0)
    const receipts: KeptReceipt[] = []
    const results = new Map<Digest, Uint8Array>()
    for (const one of taken) {
      const kept = judge(one)
      if (!kept) continue
      const key = `${kept.cluster}/${kept.application}`
      // An agent that started again says the same anew.
      if (newest.get(key) === kept.says) continue
      newest.set(key, kept.says)
      receipts.push(kept.receipt)
      results.set(kept.receipt.results, one.message.results)
    }
    if (receipts.length === 0) return
    try {
      await deps.store(results)
      await deps.append('hub', [{ type: 'receipts.kept', receipts }])
    } catch (error) {
      for (const { cluster, application } of receipts) newest.delete(`${cluster}/${application}`)
      deps.log('warn', 'receipts could not be kept', { count: receipts.length, err: error })
    }
  }

  function schedule(ms: number): void {
    if (due) return
    due = true
    deps.later(ms, () => void flush())
  }

  return {
    take(enrolment: Enrolment, message: ReceiptMessage): void {
      const size = message.results.byteLength
      if (size > receiptLimits.results) return
      if (waiting.length >= waitingAtMost || bytes + size > waitingBytes) {
        lost += 1
        if (lost === 1) deps.log('warn', 'receipts come faster than they are kept', {})
        return
      }
      waiting.push({ enrolment, message })
      bytes += size
      schedule(gatherMs)
    },
  }
}

function describe(cluster: string, receipt: Receipt, envelope: Uint8Array): Judged {
  const { application, results, generation, content, outcome } = receipt
  const text = Buffer.from(envelope).toString('latin1')
  return {
    ...{ cluster, application },
    says: [generation, content, outcome].join(),
    receipt: { cluster, application, results, receipt: text },
  }
}
