import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ApplyRules } from '@groundswell/proto/apply-rules.ts'
import { parseManifest } from '@groundswell/proto/manifest.ts'
import { formatObjectId } from '@groundswell/proto/object-id.ts'
import { buildBundle } from '../../../../hub/bundle/build.ts'
import { type OrderOptions, orderObjects } from '../../../../hub/bundle/object-order.ts'
import type { RenderedObject } from '../../../../hub/render/engine.ts'

const options: OrderOptions = { application: 'shop', targetNamespace: 'shop' }

function job(
  name: string,
  annotations: Record<string, string> = {},
  namespace = 'shop',
): RenderedObject {
  return {
    id: { group: 'batch', kind: 'Job', namespace, name },
    apiVersion: 'batch/v1',
    json: JSON.stringify({ metadata: { name, annotations } }),
    file: `${name}.yaml`,
  }
}

function rulesOf(annotations: Record<string, string>): ApplyRules {
  const { objects, faults } = orderObjects([job('one', annotations)], options)
  assert.deepEqual(faults, [])
  return objects[0]!.rules
}

const argo = (name: string) => `argocd.argoproj.io/${name}`
const flux = (name: string) => `kustomize.toolkit.fluxcd.io/${name}`
const dependsOn = 'config.kubernetes.io/depends-on'

describe('what an object’s annotations ask', () => {
  const table: readonly (readonly [Record<string, string>, ApplyRules])[] = [
    [{}, {}],
    [{ 'example.org/sync-wave': '5' }, {}],
    [{ [argo('sync-wave')]: '-3' }, { wave: -3 }],
    [{ [argo('sync-wave')]: '0' }, {}],
    [{ [argo('hook')]: 'PreSync' }, { hook: { events: ['pre'], cleanup: ['before'] } }],
    [
      {
        [argo('hook')]: 'PostSync, SyncFail',
        [argo('hook-delete-policy')]: 'HookFailed,HookSucceeded',
        [argo('sync-wave')]: '2',
      },
      { wave: 2, hook: { events: ['post', 'fail'], cleanup: ['succeeded', 'failed'] } },
    ],
    [
      {
        'helm.sh/hook': 'pre-install,pre-upgrade',
        'helm.sh/hook-weight': '-5',
        'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
      },
      { wave: -5, hook: { events: ['pre'], cleanup: ['before', 'succeeded'] } },
    ],
    [{ 'helm.sh/hook': 'post-install,test' }, { hook: { events: ['post'], cleanup: ['before'] } }],
    [
      { 'helm.sh/hook': 'pre-install', [argo('hook')]: 'Sync' },
      { hook: { events: ['sync'], cleanup: ['before'] } },
    ],
    // A weight is of hooks alone.
    [{ 'helm.sh/hook-weight': '7' }, {}],
    [{ 'helm.sh/hook': 'crd-install' }, {}],
    [{ [flux('ssa')]: 'IfNotPresent' }, { apply: 'once' }],
    [{ [flux('ssa')]: 'Merge' }, { apply: 'merge' }],
    [{ [flux('ssa')]: 'Ignore' }, { apply: 'never' }],
    [{ [flux('ssa')]: 'Override' }, {}],
    [{ [flux('reconcile')]: 'disabled' }, { apply: 'never' }],
    [{ 'client.lifecycle.config.k8s.io/mutation': 'ignore' }, { apply: 'once' }],
    [{ [flux('force')]: 'Enabled' }, { replace: true }],
    [{ [argo('sync-options')]: 'Prune=false, Force=true' }, { replace: true }],
    [{ 'groundswell.dev/replace': 'enabled' }, { replace: true }],
  ]
  for (const [annotations, rules] of table) {
    it(`${JSON.stringify(annotations)} → ${JSON.stringify(rules)}`, () => {
      assert.deepEqual(rulesOf(annotations), rules)
    })
  }

  it('is in the manifest, and only where something is asked', () => {
    const bundle = buildBundle([job('a'), job('b', { [argo('sync-wave')]: '1' })], {
      ...options,
      prune: true,
      allowEmpty: false,
      drift: 'correct',
      deletionPolicy: 'Delete',
    })
    const { objects } = parseManifest(bundle.manifest.bytes)
    assert.deepEqual(
      objects.map((object) => ('rules' in object ? object.rules : 'none')),
      ['none', { wave: 1 }],
    )
  })

  it('may come from the Application instead, by kind and name', () => {
    const replace = [{ group: 'batch', kind: 'Job', name: 'b' }]
    const { objects } = orderObjects([job('a'), job('b')], { ...options, replace })
    assert.deepEqual(
      objects.map(({ rules }) => rules.replace ?? false),
      [false, true],
    )
  })
})

describe('an order that cannot be kept is a fault', () => {
  const messages = (objects: readonly RenderedObject[]) =>
    orderObjects(objects, options).faults.map(({ message }) => message)

  it('with a wave that is no number, named', () => {
    assert.deepEqual(messages([job('a', { [argo('sync-wave')]: 'first' })]), [
      'Job shop/a: argocd.argoproj.io/sync-wave is "first", which is no whole number',
    ])
  })

  it('with the names along a circle', () => {
    const after = (name: string) => ({ [dependsOn]: `batch/namespaces/shop/Job/${name}` })
    const found = messages([job('a', after('b')), job('b', after('c')), job('c', after('a'))])
    const [a, b, c] = ['a', 'b', 'c'].map((name) => `batch/Job/shop/${name}`)
    assert.deepEqual(found, [`objects wait for each other: ${[a, b, c, a].join(' → ')}`])
  })

  it('where what is waited for is not there, is written wrongly, comes later or is a hook', () => {
    const found = messages([
      job('a', { [dependsOn]: 'batch/namespaces/shop/Job/none' }),
      job('b', { [dependsOn]: 'Job/a' }),
      job('c', { [dependsOn]: 'batch/namespaces/shop/Job/late' }),
      job('late', { [argo('sync-wave')]: '1' }),
      job('d', { [dependsOn]: 'batch/namespaces/shop/Job/hook' }),
      job('hook', { [argo('hook')]: 'PreSync' }),
    ])
    assert.equal(found.length, 4)
    assert.match(found[0]!, /Job\/none, which is not among/)
    assert.match(found[1]!, /"Job\/a"; write group/)
    assert.match(found[2]!, /is in wave 0 and depends on Job shop\/late, which is in wave 1/)
    assert.match(found[3]!, /one of the two is a hook/)
  })

  it('but not where the object waited for gets its namespace from the application', () => {
    const { objects, faults } = orderObjects(
      [job('a', { [dependsOn]: 'batch/namespaces/shop/Job/b' }), job('b', {}, '')],
      options,
    )
    assert.deepEqual(faults, [])
    assert.deepEqual(objects[0]!.rules.after, ['batch/Job//b'])
  })

  it('exactly when no order exists (property)', () => {
    const graph = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 10 })
    fc.assert(
      fc.property(graph, (edges) => {
        const jobs = Array.from({ length: 6 }, (_, at) => {
          const first = edges.filter(([from]) => from === at).map(([, to]) => to)
          const text = first.map((to) => `batch/namespaces/shop/Job/j${to}`).join(',')
          return job(`j${at}`, first.length > 0 ? { [dependsOn]: text } : {})
        })
        const { objects, faults } = orderObjects(jobs, options)
        const after = new Map(
          objects.map(({ rendered, rules }) => [formatObjectId(rendered.id), rules.after ?? []]),
        )
        // Take away what waits for nothing until nothing is left, or nothing can be.
        const left = new Map(after)
        for (;;) {
          const free = [...left].filter(([, first]) => first.every((id) => !left.has(id)))
          if (free.length === 0) break
          for (const [id] of free) left.delete(id)
        }
        assert.equal(faults.length > 0, left.size > 0)
      }),
    )
  })
})

describe('orders that nobody means', () => {
  const waiting = (count: number, on: (at: number) => string) =>
    Array.from({ length: count }, (_, at) => job(`j${at}`, { [dependsOn]: on(at) }))

  it('are told in part where all objects wait for all: there are more circles than memory holds', () => {
    const names = Array.from({ length: 400 }, (_, at) => `batch/namespaces/shop/Job/j${at}`)
    const { faults } = orderObjects(
      waiting(400, (at) => names.filter((_, other) => other !== at).join()),
      options,
    )
    assert.equal(faults.length, 20)
    assert.ok(faults.every(({ message }) => message.length < 1_000))
  })

  it('are told in part where one circle goes through thousands', () => {
    const next = (at: number) => `batch/namespaces/shop/Job/j${(at + 1) % 3_000}`
    const { faults } = orderObjects(waiting(3_000, next), options)
    assert.equal(faults.length, 1)
    assert.match(faults[0]!.message, /^objects wait for each other: .*→ 2980 more → batch\/Job\//)
    assert.ok(faults[0]!.message.length < 1_000)
  })

  it('are told in part where an annotation names thousands that are not there', () => {
    const absent = Array.from(
      { length: 3_000 },
      (_, at) => `batch/namespaces/shop/Job/no${at}`,
    ).join()
    const { faults } = orderObjects(
      waiting(2, () => absent),
      options,
    )
    assert.equal(faults.length, 501)
    assert.equal(faults.at(-1)!.message, 'and 5500 more faults of order')
  })
})
