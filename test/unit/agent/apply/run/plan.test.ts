import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { Inventory, InventoryEntry } from '../../../../../agent/apply/inventory/inventory.ts'
import {
  findLeftovers,
  mergeInventory,
  sameInventory,
  writeAhead,
} from '../../../../../agent/apply/inventory/inventory.ts'
import {
  findPruneBar,
  type Known,
  locate,
  planApplies,
} from '../../../../../agent/apply/run/plan.ts'
import type { Resource } from '../../../../../agent/cluster/port.ts'
import { createConfig } from '../../../../support/hands.ts'
import { presentApplication } from '../../../../support/verified-snapshot.ts'

const resource: Resource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
}
const { manifest } = presentApplication(
  'shop',
  ['a', 'b', 'c', 'd'].map((name) => createConfig('shop', name, { name })),
)
const wanted = manifest.objects.map((object) => locate(object, manifest, resource))
const entryOf = (
  index: number,
  digest: string = wanted[index]?.source.digest ?? '',
): readonly [string, InventoryEntry] => {
  const id = wanted[index]?.id ?? ''
  return [id, { id, apiVersion: 'v1', uid: 'u', digest, fieldsHash: 'h' }] as const
}
const inSync: Inventory = new Map(wanted.map((_, index) => entryOf(index)))
const idsOf = (steps: readonly { wanted: { id: string } }[]) =>
  steps.map(({ wanted: { id } }) => id)

describe('planApplies', () => {
  it('has no step for what is in sync, whether the watches know it or not', () => {
    for (const known of ['same', 'unknown'] as const) {
      assert.deepEqual(
        planApplies(
          wanted,
          inSync,
          () => known,
          () => true,
        ),
        [],
      )
    }
  })

  it('has one step for one changed object', () => {
    const inventory = new Map([...inSync, entryOf(2, 'sha256:old')])
    const steps = planApplies(
      wanted,
      inventory,
      () => 'same',
      () => true,
    )
    assert.deepEqual(idsOf(steps), ['/ConfigMap/shop/c'])
    assert.equal(steps[0]?.cause, 'content')
  })

  it('repairs what drifted or is missing, when it may', () => {
    const states: Known[] = ['same', 'drifted', 'missing', 'unknown']
    const known = ({ id }: { id: string }) => states[wanted.findIndex((w) => w.id === id)] ?? 'same'
    const repairs = planApplies(wanted, inSync, known, () => true)
    assert.deepEqual(idsOf(repairs), ['/ConfigMap/shop/b', '/ConfigMap/shop/c'])
    assert.deepEqual(
      planApplies(wanted, inSync, known, () => false),
      [],
    )
  })
})

describe('locate', () => {
  const bare = { ...createConfig('', 'x'), metadata: { name: 'x' } }
  it('gives the target namespace to a namespaced object that names none', () => {
    const { manifest } = presentApplication('shop', [bare], { targetNamespace: 'there' })
    const [source] = manifest.objects
    assert.ok(source)
    assert.equal(locate(source, manifest, resource).id, '/ConfigMap/there/x')
    const wide = { ...resource, namespaced: false }
    assert.equal(locate(source, manifest, wide).id, '/ConfigMap//x')
  })

  it('refuses a namespaced object with no namespace at all', () => {
    const { manifest } = presentApplication('shop', [bare])
    const [source] = manifest.objects
    assert.ok(source)
    assert.throws(() => locate(source, manifest, resource), { code: 'object_malformed' })
  })
})

describe('findPruneBar', () => {
  it('bars pruning when off, after a failure, or for an empty manifest that may not be (I4)', () => {
    const allow = { prune: { enabled: true, allowEmpty: true } }
    const empty = presentApplication('shop', []).manifest
    assert.ok(findPruneBar({ ...manifest, prune: { enabled: false, allowEmpty: true } }, 0))
    assert.ok(findPruneBar(manifest, 1))
    assert.ok(findPruneBar(empty, 0))
    assert.equal(findPruneBar({ ...empty, ...allow }, 0), undefined)
    assert.equal(findPruneBar(manifest, 0), undefined)
  })
})

describe('inventory', () => {
  const ids = fc.uniqueArray(fc.stringMatching(/^[a-e]$/))
  const inventoryOf = (names: readonly string[]): Inventory =>
    new Map(
      names.map((id) => [id, { id, apiVersion: 'v1', uid: 'u', digest: 'd', fieldsHash: 'h' }]),
    )

  it('loses nothing but what is gone, whatever failed in between', () => {
    fc.assert(
      fc.property(ids, ids, ids, (before, coming, gone) => {
        const inventory = inventoryOf(before)
        const ahead =
          writeAhead(
            inventory,
            coming.map((id) => ({ id, apiVersion: 'v1' })),
          ) ?? inventory
        const after = mergeInventory(ahead, [], gone)
        const expected = new Set([...before, ...coming])
        for (const id of gone) expected.delete(id)
        assert.deepEqual(new Set(after.keys()), expected)
        assert.equal(
          sameInventory(inventory, after),
          [...expected].sort().join() === [...before].sort().join(),
        )
      }),
    )
  })

  it('never offers for pruning what is wanted', () => {
    fc.assert(
      fc.property(ids, ids, (before, wanted) => {
        const left = findLeftovers(inventoryOf(before), new Set(wanted))
        assert.ok(left.every(({ id }) => before.includes(id) && !wanted.includes(id)))
      }),
    )
  })
})
