import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { emptyChain, extendChain } from '../../../../hub/ledger/chain.ts'
import type { Decision, Ledger, LedgerEntry } from '../../../../hub/ledger/entry.ts'
import { openRegister } from '../../../../hub/ledger/register.ts'

const accepted = (revision: string): Decision => ({ type: 'fleet.accepted', revision })

function memoryLedger(first: readonly Decision[] = []) {
  const lines: LedgerEntry[] = []
  let chain = emptyChain
  const ledger = {
    full: false,
    closed: false,
    get head() {
      return lines.length
    },
    async append(actor: string, decisions: readonly Decision[]) {
      if (ledger.full) throw new Error('disk full')
      const extended = extendChain(chain, 1, actor, decisions)
      chain = extended.head
      lines.push(...extended.entries)
      return extended.entries
    },
    async *read(after = 0) {
      yield* lines.slice(after)
    },
    async close() {
      ledger.closed = true
    },
  }
  return { ledger, ready: ledger.append('git', first) }
}

describe('openRegister', () => {
  test('begins with what the ledger holds, telling nobody about it', async () => {
    const { ledger, ready } = memoryLedger([accepted('one'), accepted('two')])
    await ready
    const told: LedgerEntry[] = []
    const register = await openRegister(ledger satisfies Ledger, (entry) => told.push(entry))
    assert.deepEqual(
      [register.state.acceptedRevision, register.state.head, register.head],
      ['two', 2, 2],
    )
    assert.deepEqual(told, [])
  })

  test('an append is in the state before it returns, and told once, in order', async () => {
    const { ledger, ready } = memoryLedger([accepted('one')])
    await ready
    const told: [number, string | null][] = []
    const register = await openRegister(ledger, ({ index }) =>
      told.push([index, register.state.acceptedRevision]),
    )
    const entries = await register.append('ada', [accepted('two'), accepted('three')])
    assert.equal(register.state.acceptedRevision, 'three')
    assert.deepEqual(
      entries.map(({ index, actor }) => [index, actor]),
      [
        [2, 'ada'],
        [3, 'ada'],
      ],
    )
    assert.deepEqual(told, [
      [2, 'two'],
      [3, 'three'],
    ])
    const read: number[] = []
    for await (const { index } of register.read(1)) read.push(index)
    assert.deepEqual(read, [2, 3])
  })

  test('I1 what did not reach the ledger is neither in the state nor told', async () => {
    const { ledger, ready } = memoryLedger([accepted('one')])
    await ready
    const told: LedgerEntry[] = []
    const register = await openRegister(ledger, (entry) => told.push(entry))
    ledger.full = true
    await assert.rejects(register.append('ada', [accepted('two')]), /disk full/)
    assert.deepEqual([register.state.acceptedRevision, register.head, told], ['one', 1, []])
  })

  test('closing closes the ledger', async () => {
    const { ledger } = memoryLedger()
    const register = await openRegister(ledger, () => {})
    await register.close()
    assert.equal(ledger.closed, true)
  })
})
