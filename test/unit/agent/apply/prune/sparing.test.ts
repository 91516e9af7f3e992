import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Sparing } from '@groundswell/proto/statement.ts'
import type { InventoryEntry } from '../../../../../agent/apply/inventory/inventory.ts'
import {
  describeSpared,
  isSparedAlike,
  ownersOf,
  type Seen,
  sortSpared,
  sparesLess,
  unseen,
} from '../../../../../agent/apply/prune/sparing.ts'

const config = '/ConfigMap/shop/settings'
const other = '/ConfigMap/shop/other'
const home = '/Namespace//shop'
const definition = 'apiextensions.k8s.io/CustomResourceDefinition//tides.sea.example.org'
const tide = 'sea.example.org/Tide/ocean/spring'

const entry = (id: string, more: Partial<InventoryEntry> = {}): InventoryEntry => ({
  ...{ id, apiVersion: 'v1', uid: `uid of ${id}`, digest: '', fieldsHash: '' },
  ...more,
})
const made = (id: string) => entry(id, { made: true })
const hook = (id: string) => entry(id, { hook: { content: '', generation: 1, states: {} } })

function sort(entries: readonly InventoryEntry[], sparing: Sparing, seen?: Seen) {
  const { doomed, left, found } = sortSpared(entries, sparing, seen)
  const idsOf = (some: typeof left) => some.map(({ entry }) => entry.id).sort()
  return { doomed: doomed.map(({ id }) => id).sort(), left: idsOf(left), found: idsOf(found) }
}

describe('sortSpared', () => {
  it('spares nothing where nothing is said', () => {
    const entries = [entry(config), made(other), hook('/ConfigMap/shop/hook')]
    assert.equal(sort(entries, {}).doomed.length, 3)
  })

  it('leaves what others are to get, or all of it', () => {
    const entries = [made(config), made(other)]
    assert.deepEqual(sort(entries, { leave: [config] }), {
      doomed: [other],
      left: [config],
      found: [],
    })
    assert.deepEqual(sort(entries, { leave: ['*'] }).doomed, [])
  })

  it('leaves what is of the whole cluster, though it is named in a namespace', () => {
    const role = 'rbac.authorization.k8s.io/ClusterRole'
    const leave = [`${role}/shop/reader`]
    assert.deepEqual(sort([made(`${role}//reader`)], { leave }).doomed, [])
    assert.deepEqual(sort([made('/ConfigMap/other/settings')], { leave: [config] }).left, [])
  })

  it('lets go of what was found, also where others are to get it, and never of hooks', () => {
    const job = '/ConfigMap/shop/hook'
    const entries = [entry(config), made(other), hook(job)]
    const undone = { doomed: [job, other].sort(), left: [], found: [config] }
    assert.deepEqual(sort(entries, { undo: true }), undone)
    assert.deepEqual(sort(entries, { undo: true, leave: [config] }), undone)
    assert.deepEqual(sort(entries, { undo: true, leave: [other] }).left, [other])
  })

  it('keeps the namespace of what stays, also of what the inventory does not know', () => {
    const entries = [made(home), made(config), entry(other)]
    assert.deepEqual(sort(entries, { leave: [config] }).left, [config, home])
    assert.deepEqual(sort([made(home)], { leave: [config] }).left, [home])
    assert.deepEqual(sort(entries, { undo: true }).found, [other, home])
    // For good, though it holds something as well that is only left.
    assert.deepEqual(sort(entries, { undo: true, leave: [config] }), {
      doomed: [],
      left: [config],
      found: [other, home],
    })
    assert.deepEqual(sort([made(home), made(config)], { leave: [tide] }).left, [])
  })

  it('keeps the definition of what stays', () => {
    const entries = [made(definition), entry(tide), made(config)]
    assert.deepEqual(sort(entries, { undo: true }).doomed, [config])
    assert.deepEqual(sort([made(definition)], { leave: [tide] }).left, [definition])
    assert.deepEqual(sort([made(definition), entry(config)], { undo: true }).doomed, [definition])
  })

  it('keeps what owns it', () => {
    const owner = 'apps/StatefulSet/shop/db'
    const seen = { ...unseen, ownersOfFound: new Set([owner]) }
    assert.deepEqual(sort([made(owner), entry(config)], { undo: true }, seen).found, [
      config,
      owner,
    ])
    // For good: it is not kept for others only, to be deleted with it later.
    assert.deepEqual(
      sort([made(owner), entry(config)], { undo: true, leave: [owner] }, seen).found,
      [config, owner],
    )
    const left = { ...unseen, ownersOfLeft: new Set([owner]) }
    const both = [made(owner), made(config)]
    assert.deepEqual(sort(both, { leave: [config] }, left).left, [config, owner])
  })

  it('keeps what one that was there before names, but nothing of hooks', () => {
    const job = '/ConfigMap/shop/hook'
    const entries = [made(config), entry(other), hook(job)]
    const seen = { ...unseen, namedByFound: new Set([config, job]) }
    assert.deepEqual(sort(entries, { undo: true }, seen), {
      doomed: [job],
      left: [],
      found: [other, config],
    })
  })

  it('keeps nothing for what is not there', () => {
    const seen = { ...unseen, absent: new Set([config]) }
    const entries = [made(home), entry(config)]
    assert.deepEqual(sort(entries, { undo: true }, seen), {
      doomed: [home],
      left: [],
      found: [config],
    })
  })
})

describe('what is spared', () => {
  it('is less where something is left no more', () => {
    assert.equal(sparesLess({ leave: [config] }, { leave: ['*'] }), false)
    assert.equal(sparesLess({ leave: ['*'] }, { leave: [config] }), true)
    assert.equal(sparesLess({ leave: [config] }, {}), true)
    assert.equal(sparesLess({ undo: true }, {}), true)
    assert.equal(sparesLess({}, { undo: true, leave: [config] }), false)
    assert.equal(isSparedAlike({ leave: [config] }, { leave: [config] }), true)
    assert.equal(isSparedAlike({}, { undo: true }), false)
  })

  it('is told by ten names at most, each with why', () => {
    const many = Array.from({ length: 12 }, (_, n) => entry(`/ConfigMap/shop/c${n}`))
    const { found } = sortSpared([...many, made(home)], { undo: true })
    const words = describeSpared(found)
    assert.match(words, /^ConfigMap shop\/c0 \(it was there before, as far as is known\), /)
    assert.match(words, / and 3 more$/)
    const seen = { ...unseen, absent: new Set([other]) }
    const absent = sortSpared([entry(config), entry(other)], { undo: true }, seen).found
    assert.equal(
      describeSpared(absent),
      'ConfigMap shop/settings (it was there before, as far as is known)',
    )
    const { left } = sortSpared([made(config), made(home)], { leave: [config] })
    assert.equal(
      describeSpared(left),
      'ConfigMap shop/settings (another application is to get it), Namespace shop (what stays would go with it)',
    )
  })

  it('may belong to objects of its namespace, or of the whole cluster', () => {
    const reference = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'u' }
    assert.deepEqual(ownersOf(config, [reference]), [
      'apps/StatefulSet/shop/db',
      'apps/StatefulSet//db',
    ])
    assert.deepEqual(ownersOf(home), [])
  })
})
