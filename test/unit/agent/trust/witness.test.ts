import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { digestOf } from '@groundswell/proto/digest.ts'
import { type Witness, witnessHead } from '../../../../agent/trust/witness.ts'

const head = (index: number, text = `line ${index}`) => ({ index, digest: digestOf(text) })
const tell = (heads: readonly (ReturnType<typeof head> | null)[]): Witness =>
  heads.reduce<Witness>((known, auditHead) => witnessHead(known, { auditHead }), {})

test('T38: a ledger that only grows is never doubted, and its furthest head is kept', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1_000), { minLength: 1 }), (indexes) => {
      const rising = indexes.sort((a, b) => a - b)
      const known = tell(rising.map((index) => head(index)))
      assert.equal(known.auditFault, undefined)
      assert.deepEqual(known.auditHead, head(rising.at(-1)!))
    }),
  )
})

test('T38: another line in the place of one that was seen is a fork at once', () => {
  const known = tell([head(4), head(5), head(5, 'another')])
  assert.deepEqual(known.auditFault, {
    code: 'audit_forked',
    seen: head(5),
    told: head(5, 'another'),
  })
  assert.deepEqual(known.auditHead, head(5))
})

test('T38: a head further back counts when it is told twice in a row', () => {
  assert.equal(tell([head(5), head(3)]).auditFault, undefined)
  assert.equal(tell([head(5), head(3), head(6), head(5)]).auditFault, undefined)
  assert.equal(tell([head(5), head(3), head(4)]).auditFault?.code, 'audit_rewound')
  assert.deepEqual(tell([head(5), null, null]).auditFault?.told, null)
})

test('T38: the first contradiction stands, however the ledger goes on', () => {
  const { auditFault } = tell([head(5), head(3), head(2), head(5, 'x'), head(9), head(9, 'y')])
  assert.deepEqual([auditFault?.code, auditFault?.told], ['audit_rewound', head(2)])
})
