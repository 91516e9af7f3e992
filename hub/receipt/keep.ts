import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import {
  type Receipt,
  openReceipt,
  parseResults,
  receiptLimits,
} from '@groundswell/proto/receipt.ts'
import type { Receipt as ReceiptMessage } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { createAllowance } from '../allowance.ts'
import type { Decision, Enrolment, KeptReceipt } from '../ledger/entry.ts'

export interface ReceiptsDeps {
  readonly fleet: string
  /** Whether the ledger ever had this application on the cluster: nothing else can have been applied there. */
  readonly isKnown: (cluster: string, application: string) => boolean
  readonly append: (actor: string, decisions: readonly Decision[]) => Promise<unknown>
  /** Keeps what came of each object, by its digest. */
  readonly store: (results: ReadonlyMap<Digest, Uint8Array>) => Promise<void>
  /** Calls back after `ms`; given in, so that tests own time. */
  readonly later: (ms: number, run: () => void) => void
  readonly log: (level: 'info' | 'warn', message: string, fields: object) => void
  /** Milliseconds of a clock nobody sets. */
  readonly monotonic: () => number
}

/** Rollouts are moved first: receipts are for later, so they gather for a while. */
const gatherMs = 1_000
const batch = 100
/** Agents that send more than is kept lose the oldest; their statuses do not hang on receipts. */
const waitingAtMost = 5_000
/** Results that wait, in bytes. */
const waitingBytes = 64 * 1024 * 1024
/** What one agent may have of either: it must not take the place of all others. */
const share = 0.5
/** Lines of the ledger are for ever: of one application on one cluster so many at once, and one more each minute. */
const burst = 20
const refillMs = 60_000
/** An agent may send what is not believed as fast as it likes: it is told of no more often. */
const warnEveryMs = 60_000

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
  const mine = new Map<string, { count: number; bytes: number }>()
  const allow = createAllowance({ burst, refillMs, monotonic: deps.monotonic })
  const mayWarn = createAllowance({ burst: 1, refillMs: warnEveryMs, monotonic: deps.monotonic })
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
      if (parseResults(message.results).length !== receipt.objects) {
        throw new Error('its results are of another number of objects')
      }
      if (!deps.isKnown(cluster, receipt.application)) {
        throw new Error('its cluster never had such an application')
      }
      return describe(cluster, receipt, message.envelope)
    } catch (error) {
      warn(cluster, 'a receipt is not believed', (error as Error).message)
      return undefined
    }
  }

  function warn(cluster: string, message: string, why: string): void {
    if (mayWarn(cluster)) deps.log('warn', message, { cluster, why })
  }

  function mayKeep(cluster: string, key: string): boolean {
    if (allow(key)) return true
    warn(cluster, 'receipts come faster than they are kept', `more than ${burst} of ${key}`)
    return false
  }

  /** The next to look at, off what waits. */
  function takeBatch(): Waiting[] {
    const taken = waiting.splice(0, batch)
    for (const { enrolment, message } of taken) {
      const size = message.results.byteLength
      const of = mine.get(enrolment.cluster)!
      bytes -= size
      of.bytes -= size
      of.count -= 1
      if (of.count === 0) mine.delete(enrolment.cluster)
    }
    return taken
  }

  async function flush(): Promise<void> {
    due = false
    const taken = takeBatch()
    if (taken.length === 0) return
    if (waiting.length > 0) schedule(0)
    const receipts: KeptReceipt[] = []
    const results = new Map<Digest, Uint8Array>()
    for (const one of taken) {
      const kept = judge(one)
      if (!kept) continue
      const key = `${kept.cluster}/${kept.application}`
      // An agent that started again says the same anew.
      if (newest.get(key) === kept.says || !mayKeep(kept.cluster, key)) continue
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
      const of = mine.get(enrolment.cluster) ?? { count: 0, bytes: 0 }
      const isFull = waiting.length >= waitingAtMost || bytes + size > waitingBytes
      if (isFull || of.count >= waitingAtMost * share || of.bytes + size > waitingBytes * share) {
        lost += 1
        if (lost === 1) deps.log('warn', 'receipts come faster than they are kept', {})
        return
      }
      waiting.push({ enrolment, message })
      bytes += size
      mine.set(enrolment.cluster, { count: of.count + 1, bytes: of.bytes + size })
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
