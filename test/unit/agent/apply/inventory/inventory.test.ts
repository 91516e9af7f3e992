import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  doubt,
  inNameOf,
  type InventoryEntry,
  isMade,
  sameInventory,
} from '../../../../../agent/apply/inventory/inventory.ts'

const found: InventoryEntry = {
  ...{ id: '/ConfigMap/shop/a', apiVersion: 'v1', uid: 'u1', digest: 'd', fieldsHash: '' },
}
const made: InventoryEntry = { ...found, made: true }
const ahead: InventoryEntry = { ...found, uid: '', digest: '' }

describe('what an application has made', () => {
  it('is what was not there before its first write', () => {
    assert.equal(isMade(undefined, 'u1', 'created'), true)
    assert.equal(isMade(ahead, 'u1', 'created'), true)
    assert.equal(isMade(undefined, 'u1', 'changed'), false)
    // The write before may have made it, its answer lost: nobody knows.
    assert.equal(isMade(ahead, 'u1', 'changed'), false)
    assert.equal(isMade(undefined, 'u1', 'replaced'), false)
  })

  it('stays so, and what was found stays found, also where it is made anew', () => {
    assert.equal(isMade(made, 'u1', 'changed'), true)
    assert.equal(isMade(found, 'u1', 'changed'), false)
    for (const how of ['created', 'replaced'] as const) {
      assert.equal(isMade(made, 'u2', how), true)
      assert.equal(isMade(found, 'u2', how), false)
    }
  })

  it('is not what somebody else has put in its place', () => {
    assert.equal(isMade(made, 'u2', 'changed'), false)
  })

  it('is remembered whatever else becomes of an entry, and makes another inventory', () => {
    const inventory = new Map([[made.id, made]])
    assert.equal(doubt(inventory, made.id).get(made.id)?.made, true)
    assert.equal(inNameOf(inventory, 'shop/deployer').get(made.id)?.made, true)
    assert.equal(sameInventory(inventory, new Map([[found.id, found]])), false)
    assert.equal(sameInventory(inventory, new Map([[made.id, { ...made }]])), true)
  })
})
