import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Letter } from '../../../../hub/alert/payload.ts'
import { createUnderWay } from '../../../../hub/alert/under-way.ts'

const letterTo = (provider: string, id: string): Letter => ({
  ...{ id, provider, text: '' },
  notice: {
    ...{ id, at: 0, type: 'rollout.failed', severity: 'error', kind: 'Rollout' },
    ...{ name: 'shop', actor: 'hub', message: '' },
  },
})

describe('letters under way', () => {
  test('fill the bound of their own provider only, and it eases at half', () => {
    const underWay = createUnderWay(2)
    for (const id of ['1', '2']) underWay.add(letterTo('dead', id), null)
    assert.deepEqual([underWay.isFull('dead'), underWay.isFull('ops')], [true, false])
    assert.equal(underWay.hasEased('dead'), false)
    underWay.end(letterTo('dead', '1'))
    assert.deepEqual([underWay.isFull('dead'), underWay.hasEased('dead')], [false, true])
  })

  test('are listed in turn, so that none waits behind all of another', () => {
    const underWay = createUnderWay(9)
    for (const id of ['1', '2', '3']) underWay.add(letterTo('dead', id), null)
    underWay.add(letterTo('ops', '4'), null)
    assert.deepEqual(
      underWay.list().map(({ id }) => id),
      ['1', '4', '2', '3'],
    )
  })

  test('know the first entry of the ledger that somebody was not told', () => {
    const underWay = createUnderWay(9)
    underWay.add(letterTo('ops', '1'), null)
    assert.equal(underWay.oldest('ops'), undefined)
    underWay.add(letterTo('ops', '2'), 7)
    underWay.add(letterTo('ops', '3'), 5)
    assert.equal(underWay.oldest('ops'), 5)
    assert.deepEqual(underWay.end(letterTo('ops', '3')), { index: 5 })
    assert.equal(underWay.end(letterTo('ops', '3')), undefined)
    assert.equal(underWay.oldest('ops'), 7)
  })

  test('are forgotten with their provider', () => {
    const underWay = createUnderWay(9)
    for (const name of ['ops', 'gone']) underWay.add(letterTo(name, name), 1)
    underWay.keep(new Set(['ops']))
    assert.deepEqual(
      underWay.list().map(({ id }) => id),
      ['ops'],
    )
  })
})
