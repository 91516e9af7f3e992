import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { LedgerEntry } from '../../../hub/ledger/entry.ts'
import { readDelivery, timesOf } from '../../bench/deliveries.ts'
import { mediansOf, quantile } from '../../bench/result.ts'

const entry = (at: number, decision: object): LedgerEntry =>
  ({ index: at, previous: 'sha256:0', at, actor: 'test', decision }) as unknown as LedgerEntry

const created = (at: number, id: string, commit: string): LedgerEntry =>
  entry(at, { type: 'rollout.created', plan: { id, revision: `main@sha1:${commit}`, targets: {} } })

const moved = (at: number, rollout: string, outcomes: Record<string, string>, phase?: string) => {
  const clusters = Object.fromEntries(
    Object.entries(outcomes).map(([name, outcome]) => [name, { state: 'Done', outcome }]),
  )
  const change = { version: 1, clusters, ...(phase ? { phase } : {}) }
  return entry(at, { type: 'rollout.moved', rollout, cause: 'observe', reason: '', change })
}

describe('readDelivery', () => {
  test('gives each cluster the time of the entry that says it is done, of this commit only', () => {
    const entries = [
      created(10, 'old', 'aaa'),
      moved(11, 'old', { a: 'Succeeded' }),
      created(20, 'new', 'bbb'),
      moved(25, 'new', { a: 'Succeeded', b: 'Skipped' }),
      moved(40, 'new', { c: 'Succeeded' }, 'Succeeded'),
    ]
    const delivery = readDelivery(entries, 'bbb')!
    assert.deepEqual(
      [...delivery.succeeded],
      [
        ['a', 25],
        ['c', 40],
      ],
    )
    assert.deepEqual([...delivery.others], [['b', 'Skipped']])
    assert.equal(delivery.phase, 'Succeeded')
    assert.deepEqual(timesOf(delivery, 15), { p50_ms: 10, p99_ms: 25, last_ms: 25 })
  })

  test('knows nothing of a commit that no rollout was made of', () => {
    assert.equal(readDelivery([created(1, 'x', 'aaa')], 'bbb'), undefined)
  })
})

describe('figures over runs', () => {
  test('a quantile is one of the values, by nearest rank', () => {
    assert.equal(quantile([1, 2, 3, 4], 0.5), 2)
    assert.equal(quantile([1, 2, 3, 4], 0.99), 4)
    assert.equal(quantile([7], 0), 7)
  })

  test('medians, and null where a run had no figure', () => {
    const runs = [
      { a: 3, b: 1 },
      { a: 1, b: null },
      { a: 2, b: 5 },
    ]
    assert.deepEqual(mediansOf(runs), { a: 2, b: null })
  })
})
