import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  exportLedger,
  formatCsv,
  formatExport,
  readRange,
  verifyExport,
} from '../../../../hub/audit/export.ts'
import { HubError } from '../../../../hub/errors.ts'
import { emptyChain, extendChain } from '../../../../hub/ledger/chain.ts'

const whole = (() => {
  const lines: string[] = []
  let head = emptyChain
  for (const at of [10, 20, 30, 40, 50]) {
    const reason = at === 30 ? '=HYPERLINK("x"), said "bob"' : `at ${at}`
    const decision = { type: 'hold.released', application: 'shop', reason } as const
    const made = extendChain(head, at, at === 40 ? '@ann' : 'ann', [decision])
    lines.push(...made.lines)
    head = made.head
  }
  return { lines, head, text: `${lines.join('\n')}\n` }
})()
const corrupt = (pattern: RegExp) => (error: unknown) =>
  error instanceof HubError && error.code === 'ledger_corrupt' && pattern.test(error.message)
const check = (text: string) => verifyExport(text, readRange(text.split('\n')[0]!)!)

describe('an export of the ledger', () => {
  it('has the lines of a range as they are, and what links them to the rest', () => {
    const made = exportLedger(whole.text, { from: 2, to: 4 })
    assert.deepEqual(made.lines, whole.lines.slice(1, 4))
    assert.equal(made.range.before, JSON.parse(whole.lines[1]!).previous)
    assert.deepEqual(made.range.head, whole.head)
    const text = formatExport(made)
    assert.equal(check(text).index, 4)
    assert.equal(readRange(whole.lines[0]!), undefined, 'a whole ledger is no export')
  })

  it('is by time too, the end exclusive', () => {
    const { range } = exportLedger(whole.text, { since: 20, until: 50 })
    assert.deepEqual([range.from, range.to], [2, 4])
    assert.throws(() => exportLedger(whole.text, { since: 60 }), /no entry in this range/)
  })

  it('does not hold with a line that is missing, altered, added or cut off', () => {
    const text = formatExport(exportLedger(whole.text, { from: 2, to: 4 }))
    const [first, ...lines] = text.trimEnd().split('\n')
    const of = (...changed: string[]) => `${[first, ...changed].join('\n')}\n`
    assert.throws(() => check(of(lines[0]!, lines[2]!)), corrupt(/entry/))
    assert.throws(() => check(of(lines[0]!, lines[1]!)), corrupt(/ends with entry 3, not with 4/))
    assert.throws(() => check(of(...lines, whole.lines[4]!)), corrupt(/ends with entry 5/))
    const altered = lines[1]!.replace('bob', 'eve')
    assert.throws(() => check(of(lines[0]!, altered, lines[2]!)), corrupt(/does not continue/))
    assert.throws(() => check(of(whole.lines[0]!, ...lines.slice(1))), corrupt(/./))
  })

  it('up to the end of the ledger, an altered last line does not hold either', () => {
    const text = formatExport(exportLedger(whole.text, { from: 5 }))
    assert.throws(() => check(text.replace('at 50', 'at 51')), corrupt(/not the one it says/))
  })

  it('is refused of a ledger that does not hold', () => {
    const text = whole.text.replace('at 20', 'at 21')
    assert.throws(() => exportLedger(text, {}), corrupt(/line 3/))
  })

  it('is a table in which nothing is run', () => {
    const rows = formatCsv(exportLedger(whole.text, { from: 3, to: 4 })).split('\r\n')
    assert.equal(rows[0], 'index,at,actor,type,subject,message,digest,previous')
    assert.match(rows[1]!, /,"'=HYPERLINK\(""x""\), said ""bob""",sha256:/)
    assert.match(rows[2]!, /^4,1970-01-01T00:00:00\.040Z,'@ann,hold\.released,/)
    assert.equal(JSON.parse(whole.lines[3]!).previous, rows[1]!.split(',').at(-2))
  })
})
