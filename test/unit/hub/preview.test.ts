import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DryRunView } from '../../../hub/api/dry-run-view.ts'
import { buildBundle } from '../../../hub/bundle/build.ts'
import { HubError } from '../../../hub/errors.ts'
import { emptyState } from '../../../hub/ledger/replay.ts'
import { createPreview } from '../../../hub/preview.ts'
import type { RolloutPlan, RolloutTarget } from '../../../hub/rollout/rollout.ts'
import { createMemoryContent } from '../../support/memory-stores.ts'
import { plan, wave } from './rollout/world.ts'
import { fleet } from './status/known-world.ts'

const options = {
  ...{ application: 'shop', targetNamespace: 'shop', prune: true, allowEmpty: true },
  ...({ drift: 'correct', deletionPolicy: 'Delete' } as const),
}

function object(kind: string, name: string, data: Record<string, string>) {
  const value = { apiVersion: 'v1', data, kind, metadata: { name, namespace: 'shop' } }
  const id = { group: '', kind, namespace: 'shop', name }
  return { id, apiVersion: 'v1', file: `${name}.yaml`, json: JSON.stringify(value) }
}

type Objects = readonly ReturnType<typeof object>[]

/** A hub in which clusters have one content of `shop` and are to get another. */
async function world(
  sides: Record<string, readonly [before: Objects | null, after: Objects | null]>,
) {
  const content = createMemoryContent()
  const state = emptyState()
  const asked: string[] = []
  const put = async (objects: Objects | null) => {
    if (!objects) return null
    const { manifest, objects: blobs } = buildBundle(objects, options)
    await content.put([manifest, ...blobs])
    return manifest.digest
  }
  const targets: Record<string, RolloutTarget> = {}
  for (const [cluster, [before, after]] of Object.entries(sides)) {
    const [was, is] = [await put(before), await put(after)]
    const rest = { size: 1, revision: 'main@sha1:1' }
    targets[cluster] = { digest: is, ...rest, previous: null }
    if (was) {
      const assigned = {
        cluster,
        application: 'shop',
        digest: was,
        ...rest,
        generation: 1,
        rollout: 'r',
      }
      state.assignments.set(cluster, new Map([['shop', assigned]]))
    }
  }
  const planned: RolloutPlan = { ...plan([wave('one', Object.keys(sides))]), targets }
  const preview = createPreview({
    state,
    content,
    desired: () => undefined,
    rebuild: async () => {},
    clock: () => 0,
    dryRun: async (cluster, { objects }) => {
      asked.push(cluster)
      if (cluster === 'c') throw new HubError('conflict', 'it is not connected')
      const results = objects.map(({ id, file = '' }): DryRunView['results'][number] => ({
        ...{ object: id, file, outcome: 'Refused', code: 'Forbidden', message: 'no' },
        ...{ warnings: [], fields: [] },
      }))
      return { cluster, application: 'shop', results }
    },
    timeout: () => new AbortController().signal,
  })
  const look = (live = false, warnings: object[] = []) =>
    preview({ fleet, plan: planned, warnings: warnings as never, live })
  return { look, asked, content, planned }
}

const one = object('ConfigMap', 'settings', { text: 'one' })
const two = object('ConfigMap', 'settings', { text: 'two' })
const other = object('ConfigMap', 'settings', { text: 'other' })
const more = object('ConfigMap', 'more', {})

describe('a preview of a rollout', () => {
  test('says the same change once with its clusters, and the different one apart', async () => {
    const { look } = await world({ a: [[one], [two]], b: [[one], [two]], c: [[one], [other]] })
    const { changes, live } = await look()
    assert.equal(live, null)
    assert.equal(changes?.changed, 1)
    assert.deepEqual(
      changes.objects[0]?.variants.map(({ clusters, change }) => [change, clusters]),
      [
        ['changed', ['a', 'b']],
        ['changed', ['c']],
      ],
    )
    assert.match(changes.objects[0].variants[0]!.patch, /^-  text: one\n\+  text: two$/m)
  })

  test('tells what is made, and what becomes of what is removed', async () => {
    const kept = {
      ...more,
      json: more.json.replace(
        '"name"',
        '"annotations":{"groundswell.dev/prune":"disabled"},"name"',
      ),
    }
    const { look } = await world({ a: [[one, more], [one]], b: [null, [one]], c: [[kept], []] })
    const { changes } = await look()
    const fates = changes!.objects.flatMap(({ object, variants }) =>
      variants.map(({ change, fate, clusters }) => [object, change, fate, clusters.join()]),
    )
    assert.deepEqual(fates, [
      ['ConfigMap shop/more', 'removed', 'deleted', 'a'],
      ['ConfigMap shop/more', 'removed', 'left: the object is guarded against pruning', 'c'],
      ['ConfigMap shop/settings', 'added', null, 'b'],
    ])
  })

  test('I4: says what is left to others by the plan, all of it where that cannot be told', async () => {
    const { look, planned } = await world({
      a: [[one, more], []],
      b: [[one], []],
      c: [[one], null],
    })
    const leaves = { a: ['/ConfigMap/shop/more'], b: ['*'], c: ['/ConfigMap/shop/settings'] }
    for (const [name, leave] of Object.entries(leaves)) {
      Object.assign(planned.targets[name]!, { leave })
    }
    const { changes } = await look()
    const fates = changes!.objects.flatMap(({ variants }) =>
      variants.map(({ fate, clusters }) => [fate, clusters.join()]),
    )
    assert.deepEqual(fates, [
      ['left: another application gets it', 'a'],
      ['deleted', 'a'],
      ['left: another application may get it', 'b'],
      ['left: another application gets it', 'c'],
    ])
  })

  test('I4: of what undoes a rollout says that what was there before is not deleted', async () => {
    const { look, planned } = await world({ a: [[one, more], [one]], b: [[one], null] })
    for (const name of ['a', 'b']) Object.assign(planned.targets[name]!, { undo: true })
    const { changes } = await look()
    const fates = changes!.objects.flatMap(({ variants }) => variants.map(({ fate }) => fate))
    const words = 'deleted unless it was there before the rollout'
    assert.deepEqual(fates, [words, words])
  })

  test('calls nothing deleted that its agent holds back, and everything that it does not', async () => {
    const many = Array.from({ length: 6 }, (_, at) => object('ConfigMap', `more-${at}`, {}))
    const claim = object('PersistentVolumeClaim', 'data', {})
    const { look } = await world({ a: [[one, ...many], [one]], b: [[one, more, claim], [one]] })
    const { changes } = await look()
    const fates = changes!.objects.flatMap(({ object: name, variants }) =>
      variants.map(({ fate, clusters }) => `${name} ${clusters.join()} ${fate}`),
    )
    const held = 'held back until it is confirmed'
    assert.deepEqual(fates, [
      ...['ConfigMap shop/more b deleted'],
      ...many.map((_, at) => `ConfigMap shop/more-${at} a ${held}`),
      `PersistentVolumeClaim shop/data b ${held}`,
    ])
    assert.equal(changes?.held.length, 2)
  })

  test('I10: shows that a secret changed, and neither value', async () => {
    const secret = (value: string) => object('Secret', 'key', { token: value })
    const { look } = await world({ a: [[secret('b25l')], [secret('dHdv')]] })
    const { changes } = await look()
    assert.equal(changes?.changed, 1)
    assert.doesNotMatch(JSON.stringify(changes), /b25l|dHdv/)
  })

  test('says nothing of a cluster whose content cannot be had, and never takes it for unchanged', async () => {
    const { look, content, planned } = await world({ a: [[one], [two]], b: [[one], [other]] })
    const lost = planned.targets['b']!.digest!
    await content.sweep(new Set([planned.targets['a']!.digest!]), -1)
    const { changes } = await look()
    assert.deepEqual(changes?.notCompared, ['a', 'b'], lost)
    assert.deepEqual(changes?.objects, [])
  })

  test('asks live clusters only when it is to, and one that is away is no pass', async () => {
    const { look, asked } = await world({ a: [[one], [two]], c: [[one], [two]] })
    await look()
    assert.deepEqual(asked, [])
    const { live } = await look(true)
    assert.deepEqual(
      asked.toSorted((a, b) => (a < b ? -1 : 1)),
      ['a', 'c'],
    )
    assert.deepEqual(
      live?.findings.map(({ severity, object, clusters }) => [severity, object, clusters]),
      [['error', 'ConfigMap shop/settings', ['a']]],
    )
    assert.match(live.unanswered[0]!, /cluster c could not be asked: it is not connected/)
  })

  test('tells what policies say of this application alone', async () => {
    const { look } = await world({ a: [[one], [two]] })
    const { policy } = await look(false, [
      { object: 'Application shop', message: 'policy baseline warns of ConfigMap shop/settings' },
      { object: 'Application other', message: 'not this' },
    ])
    assert.deepEqual(policy, ['Application shop: policy baseline warns of ConfigMap shop/settings'])
  })
})
