import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { confirmationOfIds } from '@groundswell/proto/prune.ts'
import fc from 'fast-check'
import {
  describeVariants,
  diffFleets,
  listRemovals,
  type FleetDiff,
  summarizeDiff,
} from '../../../../hub/check/fleet-diff.ts'
import type { Finding } from '../../../../hub/check/finding.ts'
import type { RenderedContent, RenderedFleet } from '../../../../hub/check/rendered-fleet.ts'
import type { Declared } from '../../../../hub/fleet/fleet.ts'
import { startSpending } from '../../../support/processor-time.ts'

/** Application → cluster → object → its text; null where it does not render. */
type World = Record<string, Record<string, Record<string, string> | null>>

function declared<S>(name: string, spec: S): Declared<S> {
  return { name, labels: {}, annotations: {}, spec, file: `${name}.yaml`, line: 1 }
}

function contentOf(objects: Record<string, string>): RenderedContent {
  const rendered = Object.entries(objects).map(([name, text]) => ({
    id: { group: '', kind: 'ConfigMap', namespace: 'x', name },
    apiVersion: 'v1',
    json: JSON.stringify({ data: { text }, kind: 'ConfigMap', metadata: { name } }),
    file: 'a.yaml',
  }))
  return { digest: digestOf(JSON.stringify(objects)), objects: rendered, warnings: [] }
}

function toFleet(world: World, clusters: readonly string[]): RenderedFleet {
  const contents = new Map<string, Map<string, RenderedContent>>()
  const unknown = new Map<string, Set<string>>()
  for (const [application, on] of Object.entries(world)) {
    contents.set(application, new Map())
    unknown.set(application, new Set())
    for (const [cluster, objects] of Object.entries(on)) {
      if (objects) contents.get(application)!.set(cluster, contentOf(objects))
      else unknown.get(application)!.add(cluster)
    }
  }
  const spec = { source: { path: 'x' }, targets: [] }
  const fleet = {
    revision: `main@sha1:${'a'.repeat(40)}`,
    clusters: new Map(clusters.map((name) => [name, declared(name, {})])),
    applications: new Map(Object.keys(world).map((name) => [name, declared(name, { ...spec })])),
    ...{ groups: new Map(), strategies: new Map(), metricTemplates: new Map() },
  }
  return {
    fleet: fleet as unknown as RenderedFleet['fleet'],
    facts: new Map(),
    ...{ contents, unknown, findings: [], unchecked: [], skipped: [], renders: 0 },
  }
}

const clusters = ['c0', 'c1', 'c2', 'c3']
const diff = (base: World, head: World): FleetDiff =>
  diffFleets(toFleet(base, clusters), toFleet(head, clusters))

const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`o${at}`, 'x']))

describe('deletions that agents will hold', () => {
  it('are foretold with what to write, once for all clusters that keep the same', () => {
    const found = diff(
      { web: { c0: many(20), c1: many(20), c2: many(20) } },
      { web: { c0: many(9), c1: many(9), c2: many(18) } },
    )
    assert.equal(found.held.length, 1)
    const [{ message, clusters: on, severity }] = found.held as [Finding]
    assert.deepEqual([severity, on], ['warning', ['c0', 'c1']])
    const kept = Object.keys(many(9)).map((name) => `/ConfigMap/x/${name}`)
    assert.equal(
      message,
      `11 of 20 objects would be deleted, more than 30 % (and 5). Agents hold this back (prune_held) until the Application says confirmPrune: [${confirmationOfIds(kept)}]`,
    )
    assert.deepEqual(found.findings, [])
  })

  it('are not foretold of what is confirmed, left, few, or an application that goes as a whole', () => {
    const [before, after] = [{ web: { c0: many(20) } }, { web: { c0: many(9) } }]
    const held = (spec: object, to: World = after) => {
      const head = toFleet(to, clusters)
      const web = head.fleet.applications.get('web')
      if (web) Object.assign(web.spec, spec)
      return diffFleets(toFleet(before, clusters), head).held.length
    }
    const kept = Object.keys(many(9)).map((name) => `/ConfigMap/x/${name}`)
    assert.equal(held({}), 1)
    assert.equal(held({ pruneLimit: 11 }), 0)
    assert.equal(held({ pruneLimit: 10 }), 1)
    assert.equal(held({ confirmPrune: [confirmationOfIds(kept)] }), 0)
    assert.equal(held({ prune: false }), 0)
    assert.equal(held({}, { web: { c0: many(15) } }), 0)
    assert.equal(held({}, {}), 0)
  })
})

/** `application cluster object change`, of every variant. */
const list = ({ applications }: FleetDiff): string[] =>
  applications
    .flatMap(({ application, objects }) =>
      objects.flatMap(({ object, variants }) =>
        variants.flatMap(({ change, clusters }) =>
          clusters.map((cluster) => `${application} ${cluster} ${object.split('/')[1]} ${change}`),
        ),
      ),
    )
    .sort()

describe('a diff of fleets', () => {
  const name = (prefix: string, most: number) =>
    fc.integer({ min: 0, max: most }).map((at) => `${prefix}${at}`)
  const objects = fc.dictionary(name('o', 3), fc.constantFrom('one', 'two'), { maxKeys: 3 })
  const world: fc.Arbitrary<World> = fc.dictionary(
    name('a', 2),
    fc.dictionary(name('c', 3), fc.option(objects, { freq: 5 }), { maxKeys: 4 }),
    { maxKeys: 3 },
  )

  it('tells every object that differs once, and of what is not known nothing', () => {
    fc.assert(
      fc.property(world, world, (base, head) => {
        const expected: string[] = []
        for (const application of new Set([...Object.keys(base), ...Object.keys(head)])) {
          for (const cluster of clusters) {
            const [before, after] = [base, head].map((side) => side[application]?.[cluster])
            if (before === null || after === null) continue
            for (const object of new Set([
              ...Object.keys(before ?? {}),
              ...Object.keys(after ?? {}),
            ])) {
              const [was, is] = [before?.[object], after?.[object]]
              if (was === is) continue
              const change = was === undefined ? 'added' : is === undefined ? 'removed' : 'changed'
              expected.push(`${application} ${cluster} ${object} ${change}`)
            }
          }
        }
        assert.deepEqual(list(diff(base, head)), expected.sort())
      }),
    )
  })

  it('is the other way round when the sides are', () => {
    const other = { added: 'removed', removed: 'added', changed: 'changed' } as const
    fc.assert(
      fc.property(world, world, (base, head) => {
        const turned = list(diff(head, base)).map((line) =>
          line.replace(/\w+$/, (change) => other[change as keyof typeof other]),
        )
        assert.deepEqual(turned.sort(), list(diff(base, head)))
      }),
    )
  })

  it('says an equal change once, even of objects that differ elsewhere', () => {
    const on = (text: string) =>
      Object.fromEntries(
        clusters.map((cluster, at) => [cluster, { o: at === 3 ? `${text}!` : text }]),
      )
    const found = diff({ a: on('one') }, { a: on('two') })
    const [object] = found.applications[0]!.objects
    assert.equal(describeVariants(object!, 4), 'same change on 3 clusters, different on 1')
    assert.equal(summarizeDiff(found), 'objects: 1 changed; on 4 of 4 clusters')
  })

  const fatesOf = (base: World, head: World) =>
    listRemovals(diff(base, head)).map(({ fate }) => fate)

  it('does not call deleted what another application has already', () => {
    const both = { c0: { o: 'one' } }
    const fates = fatesOf({ a: both, b: both }, { a: { c0: {} }, b: both })
    assert.deepEqual(fates, ['left: another application has it'])
  })

  it('has left what moves to another application, whether it stays or goes, and nothing else', () => {
    const left = 'left: another application gets it'
    const one = { c0: { o: 'one' } }
    const moved = fatesOf({ a: one, b: { c0: {} } }, { a: { c0: {} }, b: one })
    assert.deepEqual(moved, [left])
    const two = { c0: { o: 'one', p: 'two' } }
    assert.deepEqual(fatesOf({ a: two }, { b: one }), ['deleted', left])
  })

  it('calls only those deleted that nothing and nobody has to let go', () => {
    const confirmed = 'held back until it is confirmed'
    const [more, fewer] = [many(20), many(9)]
    const fates = fatesOf({ a: { c0: more, c1: more } }, { a: { c0: fewer, c1: many(19) } })
    assert.deepEqual(fates.toSorted(), ['deleted', ...Array<string>(11).fill(confirmed)])
    const found = diff({ a: { c0: more } }, { a: { c0: many(9) } })
    assert.match(summarizeDiff(found), /^objects: 11 REMOVED \(11 wait\); on 1 of 4 clusters$/)
  })

  it('says that more than half of all applications wait for a person when they go at once', () => {
    const one = { c0: { o: 'one' } }
    const all = { a: one, b: one, c: one }
    const person = 'deleted once a person starts it'
    assert.deepEqual(fatesOf(all, { c: { c0: { p: 'x' } } }), [person, person, 'deleted'])
    assert.deepEqual(fatesOf(all, { b: one, c: one }), ['left: another application has it'])
    assert.deepEqual(fatesOf({ a: one, d: { c1: { p: 'x' } } }, { d: { c1: { p: 'x' } } }), [
      'deleted',
    ])
  })

  describe('where the strategy has gates', () => {
    const approval = [{ approval: { role: 'operator' } }]
    const rollout = {
      waves: [
        { name: 'canary', clusters: ['c0'] },
        { name: 'prod', clusters: ['c1', 'c2', 'c3'], before: approval },
      ],
    }
    const world = (objects: Record<string, string>): World => ({
      a: Object.fromEntries(['c0', 'c1'].map((cluster) => [cluster, objects])),
    })
    const diffWith = (spec: object, base: World, head: World) => {
      const to = toFleet(head, clusters)
      Object.assign(to.fleet.applications.get('a')!.spec, spec)
      return listRemovals(diffFleets(toFleet(base, clusters), to)).map(
        ({ fate, clusters: on }) => `${on.join()}: ${fate}`,
      )
    }
    const [two, one] = [world({ o: 'x', p: 'x' }), world({ o: 'x' })]

    it('says of clusters behind a gate that it has to open first', () => {
      assert.deepEqual(diffWith({ rollout }, two, one), [
        'c0: deleted',
        'c1: deleted once its gates are open',
      ])
      assert.deepEqual(diffWith({}, two, one), ['c0,c1: deleted'])
    })

    it('counts the gates between waves only where something of it changes', () => {
      const [prod] = rollout.waves.slice(1)
      const after = {
        waves: [
          { ...rollout.waves[0], after: approval },
          { ...prod, before: [] },
        ],
      }
      const gated = 'c1: deleted once its gates are open'
      assert.deepEqual(diffWith({ rollout: after }, two, one), ['c0: deleted', gated])
    })

    it('says it of a cluster that is selected no more, which comes after all waves', () => {
      const fewer = { a: { c0: { o: 'x', p: 'y' }, c1: { o: 'x', p: 'y' } } }
      const base = { a: { ...two['a'], c2: { o: 'x' } } }
      assert.deepEqual(diffWith({ rollout }, base, fewer), ['c2: deleted once its gates are open'])
    })

    it('knows of no gates where it cannot be planned', () => {
      const waves = [{ name: 'canary', clusters: ['c0'], before: approval }]
      assert.deepEqual(diffWith({ rollout: { waves } }, two, one), ['c0,c1: deleted'])
    })
  })

  it('has all of an application that is renamed let go', () => {
    const two = { c0: { o: 'one', p: 'two' } }
    const left = 'left: another application gets it'
    assert.deepEqual(fatesOf({ a: two }, { b: two }), [left, left])
    const [one, other] = [{ c0: { o: 'one' } }, { c0: { p: 'two' } }]
    assert.deepEqual(fatesOf({ a: two }, { b: one, c: other }), [left, left], 'that is split')
  })
})

describe('objects of which all is another', () => {
  it('are told whole after some, in the place of a search that takes a while for each', () => {
    const text = (mark: string) =>
      Array.from({ length: 1_000 }, (_, at) => `${mark}${at}\n`).join('')
    const world = (mark: string): World => ({
      web: {
        c0: Object.fromEntries(
          Array.from({ length: 40 }, (_, at) => [`o${at}`, text(`${mark}${at}-`)]),
        ),
      },
    })
    const spent = startSpending()
    const [web] = diff(world('a'), world('b')).applications
    const took = spent()
    assert.ok(took < 10_000, `${took} ms`)
    const patches = web!.objects.map(({ variants: [first] }) => first!.patch)
    const whole = patches.filter((patch) => !patch.startsWith('@@'))
    assert.deepEqual([patches.length, whole.length > 30], [40, true])
  })
})
