import type { KeyObject } from 'node:crypto'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import {
  type ObjectReceipt,
  type ReceiptOutcome,
  encodeResults,
  signReceipt,
} from '@groundswell/proto/receipt.ts'
import type { RequestMessage } from './link/session.ts'
import type { Identity } from './trust/state.ts'

/** What came of applying one application's content under one snapshot. */
export interface Applied {
  readonly snapshot: {
    readonly digest: Digest
    readonly epoch: number
    readonly sequence: number
  }
  readonly application: string
  readonly generation: number
  readonly content: Digest | 'removed'
  readonly outcome: ReceiptOutcome
  /** Of each object; asked for only when there is something new to say. */
  readonly objects: () => readonly ObjectReceipt[]
}

export interface ReceiptsDeps {
  readonly identity: Pick<Identity, 'fleet' | 'clusterId'>
  /** Ed25519, bound to this agent for life. */
  readonly key: KeyObject
  /** Milliseconds. */
  readonly clock: () => number
}

interface Kept {
  readonly value: {
    readonly envelope: Uint8Array<ArrayBuffer>
    readonly results: Uint8Array<ArrayBuffer>
  }
  /** By which stream it went last; it goes once more by the next, should that have lost it. */
  sends: number
}

/** Applications whose receipts wait for a stream. */
const keptAtMost = 500
/** A hub that ended right after one was sent may not have kept it. */
const sendsAtMost = 2

/** Signs what came of each application, and keeps the latest of each until a hub has it. */
export function createReceipts({ identity, key, clock }: ReceiptsDeps) {
  const kept = new Map<string, Kept>()
  /** Of each application what was signed last: a retry with the same end says nothing new. */
  const signed = new Map<string, string>()
  let send: ((message: RequestMessage) => Promise<void>) | undefined

  async function pass(application: string, one: Kept): Promise<void> {
    if (!send || one.sends >= sendsAtMost) return
    one.sends += 1
    await send({ case: 'receipt', value: one.value })
    if (one.sends >= sendsAtMost && kept.get(application) === one) kept.delete(application)
  }

  return {
    note(applied: Applied): void {
      const { snapshot, application, generation, content, outcome } = applied
      const what = [generation, content, outcome].join()
      if (signed.get(application) === what) return
      signed.set(application, what)
      const objects = applied.objects()
      const results = Buffer.from(encodeResults(objects))
      const envelope = signReceipt(
        {
          v: 1,
          fleet: identity.fleet,
          iss: identity.clusterId,
          snapshot: snapshot.digest,
          epoch: snapshot.epoch,
          sequence: snapshot.sequence,
          ...{ application, generation, content, outcome },
          objects: objects.length,
          results: digestOf(results),
          at: Math.floor(clock() / 1000),
        },
        key,
      )
      kept.delete(application)
      if (kept.size >= keptAtMost) kept.delete(kept.keys().next().value!)
      const value = { envelope: Uint8Array.from(envelope), results: Uint8Array.from(results) }
      const one = { value, sends: 0 }
      kept.set(application, one)
      pass(application, one).catch(() => {})
    },
    /** There is a stream, or none any more. */
    attach(next: ((message: RequestMessage) => Promise<void>) | undefined): void {
      send = next
      if (!next) return
      for (const [application, one] of kept) pass(application, one).catch(() => {})
    },
  }
}

export type Receipts = ReturnType<typeof createReceipts>
