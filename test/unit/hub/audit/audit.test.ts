import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { type Receipt, signReceipt } from '@groundswell/proto/receipt.ts'
import { auditLedger } from '../../../../hub/audit/audit.ts'
import { emptyChain, extendChain } from '../../../../hub/ledger/chain.ts'
import type { Decision, KeptReceipt } from '../../../../hub/ledger/entry.ts'
import { createRun } from '../../../../hub/rollout/plan/plan.ts'
import { toChange } from '../../../../hub/rollout/store/change.ts'
import { good, plan, wave } from '../rollout/world.ts'

const keys = generateKeyPairSync('ed25519')
const boundKey = String(keys.publicKey.export({ format: 'jwk' }).x)
const planned = plan([wave('one', ['a'])])
const run = createRun(planned)
const offered = {
  ...run,
  version: run.version + 1,
  clusters: { a: { state: 'Offered', generation: 4, offeredAt: 1 } },
} as const

function receiptOf(change: Partial<Receipt> = {}, key = keys.privateKey): KeptReceipt {
  const envelope = signReceipt(
    {
      ...{ v: 1, fleet: 'f', iss: 'id-a', snapshot: digestOf('s'), epoch: 1, sequence: 1 },
      ...{ application: 'shop', generation: 4, content: good.digest!, outcome: 'applied' },
      ...{ objects: 1, results: digestOf('r'), at: 1_767_225_600 },
      ...change,
    },
    key,
  )
  const receipt = Buffer.from(envelope).toString()
  return { cluster: 'a', application: 'shop', results: digestOf('r'), receipt }
}

const before: readonly Decision[] = [
  {
    type: 'cluster.enrolled',
    enrolment: { cluster: 'a', clusterId: 'id-a', clusterUid: 'u', boundKey, enrolledAt: 1 },
    tokenId: 't',
  },
  { type: 'rollout.created', plan: planned },
  {
    type: 'rollout.moved',
    rollout: planned.id,
    cause: 'observe',
    reason: '',
    change: toChange(run, offered),
  },
]
const ledgerOf = (...decisions: readonly Decision[]) =>
  `${extendChain(emptyChain, 1, 'hub', [...before, ...decisions]).lines.join('\n')}\n`
const kept = (...receipts: KeptReceipt[]): Decision => ({ type: 'receipts.kept', receipts })

describe('auditLedger', () => {
  it('holds: the chain, and receipts of what was decided', () => {
    const audit = auditLedger(ledgerOf(kept(receiptOf())))
    assert.deepEqual(audit.faults, [])
    assert.deepEqual([audit.entries, audit.receipts], [4, 1])
  })

  it('I7 finds a line that is missing, altered, out of order or cut off', () => {
    const lines = ledgerOf(kept(receiptOf())).trimEnd().split('\n')
    const join = (some: readonly string[]) => `${some.join('\n')}\n`
    assert.match(auditLedger(join(lines.toSpliced(1, 1))).faults[0]!.message, /entry 3/)
    const altered = lines.with(1, lines[1]!.replace('"shop"', '"shoq"'))
    assert.match(auditLedger(join(altered)).faults[0]!.message, /does not continue/)
    const [one, two, ...rest] = lines
    assert.equal(auditLedger(join([two!, one!, ...rest])).faults.length, 1)
    assert.match(auditLedger(join(lines).slice(0, -9)).faults[0]!.message, /not whole/)
  })

  it('finds a receipt by another key, altered, of other content, or before it was decided', () => {
    const find = (one: KeptReceipt) =>
      auditLedger(ledgerOf(kept(one))).faults.map(({ message }) => message)
    assert.match(find(receiptOf({}, generateKeyPairSync('ed25519').privateKey))[0]!, /signature/)
    assert.match(find({ ...receiptOf(), application: 'web' })[0]!, /other things/)
    assert.match(find(receiptOf({ iss: 'id-b' }))[0]!, /another cluster/)
    assert.match(find(receiptOf({ generation: 5 }))[0]!, /never decided/)
    assert.match(find(receiptOf({ content: digestOf('evil') }))[0]!, /never decided/)
    const early = [before[0]!, kept(receiptOf()), ...before.slice(1)]
    const text = `${extendChain(emptyChain, 1, 'hub', early).lines.join('\n')}\n`
    assert.deepEqual(
      auditLedger(text).faults.map(({ line }) => line),
      [2],
    )
  })
})
