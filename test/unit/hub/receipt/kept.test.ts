import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { encodeResults, signReceipt } from '@groundswell/proto/receipt.ts'
import { createKeptReceipts } from '../../../../hub/receipt/kept.ts'
import { createMemoryRegister } from '../../../support/memory-register.ts'

const { privateKey } = generateKeyPairSync('ed25519')
const results = encodeResults([
  { object: '/ConfigMap/n/a', result: 'applied', resourceVersion: '1', code: '' },
])

function kept(cluster: string, application: string, generation: number) {
  const receipt = signReceipt(
    {
      ...{ v: 1, fleet: 'f', iss: `id-${cluster}`, snapshot: digestOf('s'), epoch: 1, sequence: 1 },
      ...{ application, generation, content: digestOf('m'), outcome: 'applied' },
      ...{ objects: 1, results: digestOf(results), at: 1_767_225_600 },
    },
    privateKey,
  )
  const text = Buffer.from(receipt).toString('latin1')
  return { cluster, application, results: digestOf(results), receipt: text }
}

/** A ledger of these lines, between others. */
async function world(...lines: ReturnType<typeof kept>[][]) {
  const register = createMemoryRegister(() => 7)
  const read: number[] = []
  for (const receipts of lines) {
    await register.append('git', [{ type: 'fleet.accepted', revision: 'main@sha1:1' }])
    await register.append('hub', [{ type: 'receipts.kept', receipts }])
  }
  const stored = new Map<Digest, Uint8Array>([[digestOf(results), Buffer.from(results)]])
  const receipts = createKeptReceipts({
    state: register.state,
    async *read(after = 0) {
      read.push(after + 1)
      yield* register.entries.slice(after)
    },
    results: async (digest) => stored.get(digest),
  })
  return { receipts, read, stored, register }
}

const all = () => true

async function collect<T>(listing: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const one of listing) found.push(one)
  return found
}

async function generations(listing: AsyncIterable<{ receipt: { generation: number } }>) {
  return (await collect(listing)).map(({ receipt }) => receipt.generation)
}

describe('receipts that were kept', () => {
  it('are shown without results that are of no shape, as an agent may have signed any', async () => {
    const { receipts, stored } = await world([kept('a', 'shop', 1)])
    const filed = (await receipts.find('a', { line: 2, at: 0 }))!
    stored.set(digestOf(results), Buffer.from('{"not":"a list"}'))
    assert.equal(await receipts.resultsOf(filed), undefined)
  })

  it('are listed newest first, also those of one line', async () => {
    const { receipts } = await world(
      [kept('a', 'shop', 1), kept('b', 'shop', 2), kept('a', 'web', 3)],
      [kept('a', 'shop', 4), kept('a', 'shop', 5)],
    )
    assert.deepEqual(await generations(receipts.list('a', all, null)), [5, 4, 3, 1])
    assert.deepEqual(await generations(receipts.list('b', all, null)), [2])
    assert.deepEqual(await generations(receipts.list('c', all, null)), [])
  })

  it('go on in mid-line from where a page ended', async () => {
    const { receipts } = await world(
      [kept('a', 'shop', 1), kept('a', 'web', 2)],
      [kept('a', 'shop', 3), kept('a', 'web', 4)],
    )
    const whole = await collect(receipts.list('a', all, null))
    for (const [at, { id }] of whole.entries()) {
      assert.deepEqual(await collect(receipts.list('a', all, id)), whole.slice(at + 1))
    }
  })

  it('of what may not be seen are left out, and their lines not read', async () => {
    const { receipts, read } = await world([kept('a', 'secret', 1)], [kept('a', 'shop', 2)])
    const seen = receipts.list('a', (application) => application === 'shop', null)
    assert.deepEqual(await generations(seen), [2])
    assert.deepEqual(read, [4])
  })

  it('read no more lines than a page shows', async () => {
    const { receipts, read } = await world(
      ...Array.from({ length: 20 }, (_, at) => [kept('a', 'shop', at + 1)]),
    )
    for await (const { receipt } of receipts.list('a', all, null)) {
      if (receipt.generation === 18) break
    }
    assert.deepEqual(read, [40, 38, 36])
  })

  it('tell what came of each object, as long as that is there', async () => {
    const { receipts, stored } = await world([kept('a', 'shop', 1)])
    const filed = await receipts.find('a', { line: 2, at: 0 })
    assert.ok(filed)
    assert.equal((await receipts.resultsOf(filed))?.[0]?.object, '/ConfigMap/n/a')
    stored.clear()
    assert.equal(await receipts.resultsOf(filed), undefined)
  })

  it('are not found under the name of another cluster, nor where another line is', async () => {
    const { receipts } = await world([kept('a', 'shop', 1)])
    assert.equal(await receipts.find('b', { line: 2, at: 0 }), undefined)
    assert.equal(await receipts.find('a', { line: 1, at: 0 }), undefined)
    assert.equal(await receipts.find('a', { line: 9, at: 0 }), undefined)
    assert.equal(await receipts.find('a', { line: 2, at: 7 }), undefined)
  })

  it('I9 are remembered by a bounded number of lines each, the newest', async () => {
    const { register } = await world(
      ...Array.from({ length: 60 }, (_, at) => [kept('a', 'shop', at + 1)]),
    )
    const lines = register.state.receiptLines.get('a')?.get('shop')
    assert.deepEqual([lines?.length, lines?.[0], lines?.at(-1)], [50, 22, 120])
  })
})
