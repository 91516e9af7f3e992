import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { confirmationOfIds } from '@groundswell/proto/prune.ts'
import type { Sparing } from '@groundswell/proto/statement.ts'
import { createConfig, createNamespace } from '../../../support/hands.ts'
import { createFaultyCluster } from '../../../support/faulty-cluster.ts'
import { createMemoryCluster, type MemoryCluster } from '../../../support/memory-cluster.ts'
import {
  presentApplication,
  removedApplication,
  type TestObject,
} from '../../../support/verified-snapshot.ts'
import { createMemoryHands } from './memory-hands.ts'
import { ownerIn, putBefore } from './put-before.ts'

const definition: TestObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'tides.sea.example.org' },
  spec: { group: 'sea.example.org', names: { kind: 'Tide' }, scope: 'Namespaced' },
}
const tide: TestObject = {
  apiVersion: 'sea.example.org/v1',
  kind: 'Tide',
  metadata: { name: 'spring', namespace: 'one' },
}
const idOfTide = 'sea.example.org/Tide/one/spring'
/** What others live in, and go with. */
const places = {
  '/Namespace//one': createNamespace('one'),
  '/Namespace//two': createNamespace('two'),
  'apiextensions.k8s.io/CustomResourceDefinition//tides.sea.example.org': definition,
}
const plain: Readonly<Record<string, TestObject>> = {
  '/ConfigMap/one/a': createConfig('one', 'a'),
  '/ConfigMap/one/b': createConfig('one', 'b'),
  '/ConfigMap/two/a': createConfig('two', 'a'),
  '/ConfigMap/two/b': createConfig('two', 'b'),
  '/ConfigMap/two/hook': createConfig('two', 'hook', {}, { 'argocd.argoproj.io/hook': 'PreSync' }),
  [idOfTide]: tide,
}
const everything: Readonly<Record<string, TestObject>> = { ...plain, ...places }
const hook = '/ConfigMap/two/hook'
const ids = Object.keys(everything)

interface Story {
  /** Objects that were there before any agent. */
  readonly there: readonly string[]
  readonly before: readonly string[]
  /** Undefined: it is removed. */
  readonly after: readonly string[] | undefined
  readonly claimed: readonly string[]
  readonly sparing: Sparing
  readonly restarts: boolean
}

/** Plays a story with what is said to be spared in it, or another. */
async function tell(story: Story, sparing: Sparing) {
  const cluster = createMemoryCluster()
  const pick = (some: readonly string[]) => some.map((id) => everything[id]!)
  // So that everything can be applied; whose it is comes after.
  await putBefore(cluster, ...Object.values(places))
  await putBefore(cluster, ...pick(story.there.filter((id) => id in plain)))
  for (const id of Object.keys(places)) {
    const inside = story.there.some((one) => isIn(one, id))
    // What is made by the application is not there before it, with nothing in it that is.
    if (!story.there.includes(id) && !inside && story.before.includes(id)) cluster.drop(id)
  }
  const found = new Set(ids.filter((id) => cluster.read(id)))
  // Caps count what is deleted, so fewer are held where something is spared.
  const confirmed = [confirmationOfIds(story.after ?? [])]
  const prune = { enabled: true, allowEmpty: true, confirmed }
  let hands = createMemoryHands({}, cluster)
  await hands.bring(presentApplication('shop', pick(story.before), { prune }))
  const uids = new Map(ids.map((id) => [id, cluster.read(id)?.metadata.uid]))
  const applied = hands.state('shop')?.phase === 'Applied'
  const next = () =>
    story.after
      ? presentApplication('shop', pick(story.after), {
          ...{ generation: 2, prune, ...sparing },
        })
      : removedApplication('shop', 'Delete', 2, sparing)
  const other = () => presentApplication('other', pick(story.claimed))
  for (const time of [1, 2]) {
    if (story.restarts) {
      await hands.workloads.close()
      hands = createMemoryHands({}, cluster)
    }
    const all = story.claimed.length > 0 ? [next(), other()] : [next()]
    await hands.bring(...all)
    if (time === 2) await hands.clock.advance(10_000)
  }
  const state = hands.state('shop')
  await hands.workloads.close()
  return { cluster, found, uids, applied, state }
}

function isIn(id: string, place: string): boolean {
  if (place.startsWith('/Namespace//')) return id.split('/')[2] === place.slice(12)
  return place in places && id.startsWith('sea.example.org/')
}

const some = fc.subarray(ids)
const story: fc.Arbitrary<Story> = fc.record({
  there: some,
  before: some,
  after: fc.option(fc.subarray(ids), { nil: undefined }),
  claimed: fc.oneof(fc.constant([]), fc.subarray(Object.keys(plain).filter((id) => id !== hook))),
  sparing: fc.record(
    {
      leave: fc.oneof(
        fc.constant(['*']),
        fc.subarray(ids, { minLength: 1 }).map((list) => [...list].sort()),
      ),
      undo: fc.constant(true as const),
    },
    { requiredKeys: [] },
  ),
  restarts: fc.boolean(),
})

const idsIn = (cluster: MemoryCluster) =>
  new Map(ids.map((id) => [id, cluster.read(id)?.metadata.uid !== undefined]))

it('I4: what is spared is never deleted, and all else is as it would be without', async () => {
  await fc.assert(
    fc.asyncProperty(story, async (story) => {
      const { leave = [], undo } = story.sparing
      const spared = await tell(story, story.sparing)
      const usual = await tell(story, {})
      fc.pre(spared.applied)
      const leaves = (id: string) => leave.includes('*') || leave.includes(id)
      const isSpared = (id: string) =>
        !(story.after?.includes(id) && id === hook) &&
        (leaves(id) || (undo === true && spared.found.has(id) && id !== hook))
      for (const id of ids.filter((id) => spared.uids.get(id) && isSpared(id))) {
        assert.equal(spared.cluster.read(id)?.metadata.uid, spared.uids.get(id), `${id} stays`)
        if (story.after || story.claimed.includes(id)) continue
        assert.equal(ownerIn(spared.cluster, id), undefined, `${id} is let go`)
      }
      const [now, without] = [idsIn(spared.cluster), idsIn(usual.cluster)]
      for (const id of ids) {
        if (isSpared(id) || ids.some((inside) => isIn(inside, id) && isSpared(inside))) continue
        // What went with its place there is there where its place stays, unless it was the application's.
        const place = ids.some((one) => isIn(id, one) && !without.get(one))
        // A place that something is in stays for that.
        const holds = ids.some((inside) => isIn(inside, id) && now.get(inside))
        if (!place && !holds) assert.equal(now.get(id), without.get(id), `${id} is as without`)
      }
      if (spared.state?.phase === 'Failed') assert.equal(usual.state?.phase, 'Failed')
    }),
    { numRuns: 300 },
  )
})

it('I4: what was there before is never deleted by going back, whatever failed since', async () => {
  const objects = (some: readonly string[]) => some.map((id) => everything[id]!)
  const dice = fc.infiniteStream(fc.integer({ min: 0, max: 999 }))
  await fc.assert(
    fc.asyncProperty(some, some, some, dice, async (there, before, after, draws) => {
      const memory = createMemoryCluster()
      const spaces = [createNamespace('one'), createNamespace('two')]
      // Nothing is there whose kind is not.
      const kinds = there.includes(idOfTide) ? [definition] : []
      const uids = await putBefore(memory, ...spaces, ...kinds, ...objects(there))
      const storm = { on: true, faults: 0 }
      const cluster = createFaultyCluster(
        memory,
        () => (draws.next().value as number) / 1_000,
        storm,
      )
      const applied = presentApplication('shop', objects(before))
      const prune = { enabled: true, allowEmpty: true }
      const back = { generation: 2, prune, undo: true } as const
      const steps = [
        applied,
        presentApplication('shop', objects(after), back),
        removedApplication('shop', 'Delete', 3, { undo: true }),
      ]
      for (const wanted of steps) {
        await using hands = createMemoryHands({}, { ...memory, ...cluster })
        storm.on = true
        const ended = new AbortController()
        const done = hands.bring(wanted).finally(() => ended.abort())
        while (!ended.signal.aborted) await hands.clock.advance(1_000)
        await done
        if (wanted === applied) continue
        storm.on = false
        await hands.clock.advance(120_000)
      }
      // A hook's object is made anew for each run, also one that another tool's hook has left.
      uids.delete(hook)
      for (const [id, uid] of uids) assert.equal(memory.read(id)?.metadata.uid, uid, id)
      assert.equal(memory.read(inventory), undefined)
    }),
    { numRuns: 200 },
  )
})

const inventory = '/ConfigMap/groundswell-system/groundswell-inventory-shop'
