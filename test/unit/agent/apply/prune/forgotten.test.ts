import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createConfig, createNamespace } from '../../../../support/hands.ts'
import { createMemoryCluster } from '../../../../support/memory-cluster.ts'
import { presentApplication, removedApplication } from '../../../../support/verified-snapshot.ts'
import { createMemoryHands } from '../memory-hands.ts'

const inventory = '/ConfigMap/groundswell-system/groundswell-inventory-shop'
const guard = { 'groundswell.dev/prune': 'disabled' }
const shop = presentApplication('shop', [
  createNamespace('shop'),
  ...['a', 'b', 'c'].map((name) => createConfig('shop', name)),
  createConfig('shop', 'guarded', {}, guard),
])

/** A cluster that has all of an application but its inventory. */
async function forget() {
  const cluster = createMemoryCluster()
  {
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(shop)
  }
  cluster.drop(inventory)
  cluster.calls.length = 0
  return cluster
}

describe('a removal of which there is no inventory', () => {
  it('F43: is not called carried out while its objects are there, names them, and ends when they are gone', async () => {
    const cluster = await forget()
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(removedApplication('shop'))
    const { phase, errors } = hands.state('shop')!
    assert.deepEqual([phase, errors.map(({ code }) => code)], ['Failed', ['prune_failed']])
    assert.match(
      errors[0]!.message,
      /there still is Namespace shop, ConfigMap shop\/a, ConfigMap shop\/b, ConfigMap shop\/c: delete what bears the label groundswell\.dev\/application=shop, or take that label off$/,
    )
    assert.deepEqual(hands.writes(), [], 'nothing is deleted (I4)')
    cluster.drop('/Namespace//shop')
    await hands.clock.advance(120_000)
    assert.equal(hands.state('shop')?.phase, 'Removed')
  })

  it('is carried out where nothing is left but what is not to be deleted', async () => {
    const alone = await forget()
    for (const id of ['/ConfigMap/shop/a', '/ConfigMap/shop/b', '/ConfigMap/shop/c']) {
      alone.drop(id)
    }
    alone.edit('/Namespace//shop', 'someone', (object) => ({
      ...object,
      metadata: { ...object.metadata, labels: {} },
    }))
    const cases = [
      [alone, removedApplication('shop')],
      [await forget(), removedApplication('shop', 'Orphan')],
      // What it does not know counts as found, and others are to get it.
      [await forget(), removedApplication('shop', 'Delete', 2, { undo: true })],
      [await forget(), removedApplication('shop', 'Delete', 2, { leave: ['*'] })],
    ] as const
    for (const [cluster, tombstone] of cases) {
      await using hands = createMemoryHands({}, cluster)
      await hands.bring(tombstone)
      assert.equal(hands.state('shop')?.phase, 'Removed')
      assert.deepEqual(hands.writes(), [])
    }
  })

  it('takes nothing for its own that another agent or a controller has', async () => {
    const cluster = await forget()
    for (const id of ['/ConfigMap/shop/a', '/ConfigMap/shop/b', '/ConfigMap/shop/c']) {
      cluster.edit(id, 'someone', ({ metadata, ...object }) => {
        if (id.endsWith('a')) {
          return {
            ...object,
            metadata: { ...metadata, annotations: { 'groundswell.dev/cluster': 'c2' } },
          }
        }
        const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'x' }
        return { ...object, metadata: { ...metadata, ownerReferences: [owner] } }
      })
    }
    cluster.edit('/Namespace//shop', 'someone', (object) => ({
      ...object,
      metadata: {
        ...object.metadata,
        deletionTimestamp: '2026-01-01T00:00:00Z',
        finalizers: ['x'],
      },
    }))
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(removedApplication('shop'))
    assert.equal(hands.state('shop')?.phase, 'Removed')
  })

  it('has all kinds listed once for all that were removed from a cluster since it joined', async () => {
    const cluster = await forget()
    await using hands = createMemoryHands({}, cluster)
    const gone = Array.from({ length: 40 }, (_, at) => removedApplication(`gone-${at}`))
    await hands.bring(...gone, removedApplication('shop'))
    assert.equal(cluster.calls.filter((call) => call.startsWith('list ')).length, 1)
    assert.equal(hands.state('shop')?.phase, 'Failed')
    assert.equal(hands.state('gone-39')?.phase, 'Removed')
  })

  it('waits for kinds that cannot be listed, but not for ever: a webhook may be broken for good', async () => {
    const unseen = ['list tides: conversion webhook refused']
    const cluster = createMemoryCluster({ unseen: () => unseen })
    await using hands = createMemoryHands({}, cluster)
    await hands.bring(removedApplication('shop'))
    const { phase, errors } = hands.state('shop')!
    assert.deepEqual([phase, errors[0]?.code], ['Applying', 'cluster_unreachable'])
    assert.match(errors[0]!.message, /cannot be told: list tides: conversion webhook refused$/)
    await hands.clock.advance(60_000)
    assert.equal(hands.state('shop')?.phase, 'Applying')
    await hands.clock.advance(3 * 60_000)
    assert.equal(hands.state('shop')?.phase, 'Removed')
    assert.ok(!hands.reports.some((state) => state.phase === 'Failed'))
  })
})
