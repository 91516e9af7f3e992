import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../../../hub/errors.ts'
import { addRollout } from '../../../../hub/ledger/by-application.ts'
import { admit } from '../../../../hub/rollout/decide/admission.ts'
import { createRun } from '../../../../hub/rollout/plan/plan.ts'
import type { Content } from '../../../../hub/rollout/rollout.ts'
import { contentBefore } from '../../../../hub/rollout/content.ts'
import { contentsOf, createWorld, fleetOf, objects } from './decide-world.ts'
import { good, old, plan, target, wave } from './world.ts'

describe('I4: a removal', () => {
  test('an application that left Git is removed where it runs', async () => {
    const { deciding, summary, assign } = createWorld()
    for (const name of ['shop', 'web', 'bank']) assign(name, good, 'a', 'b')
    const fleet = fleetOf(['a', 'b'], { web: '', bank: '' })
    assert.deepEqual(await deciding.decide(fleet, contentsOf(fleet)), [])
    assert.deepEqual(summary(), [['shop', '-a -b', true]])
  })

  // It was too much at once when it was planned; once most came back nothing said any more that the rest waits.
  test('is told of as long as it waits for a person, also where what was deleted with it is back', async () => {
    const { deciding, created, assign, state } = createWorld()
    for (const name of ['shop', 'web', 'bank']) assign(name, good, 'a', 'b')
    const without = fleetOf(['a', 'b'], { web: '' })
    const [much] = await deciding.decide(without, contentsOf(without))
    assert.match(much!.message, /^2 of 3 applications are gone/)
    for (const { plan: made } of created) addRollout(state, made, createRun(made))
    const id = created.find(({ plan: { application } }) => application === 'shop')!.plan.id
    const fleet = fleetOf(['a', 'b'], { web: '', bank: '' })
    for (let look = 0; look < 2; look += 1) {
      const faults = await deciding.decide(fleet, contentsOf(fleet))
      assert.deepEqual(faults, [
        {
          object: 'Application shop',
          message: `what Git asks is planned and waits for a person: \`swell rollout begin ${id}\` starts it`,
        },
      ])
    }
    assert.equal(state.runs.get(id)!.phase, 'Planned')
  })

  test('is planned in the Project that its application was in', async () => {
    const { deciding, created, assign, state } = createWorld()
    const first = { ...plan([wave('all', ['a'])]), project: 'tills' }
    addRollout(state, first, { ...createRun(first), phase: 'Succeeded' })
    for (const name of ['shop', 'web', 'bank']) assign(name, good, 'a')
    const fleet = fleetOf(['a'], { web: '', bank: '' })
    await deciding.decide(fleet, contentsOf(fleet, old))
    assert.deepEqual(
      created.map(({ plan: { application, project } }) => `${application} in ${project}`).sort(),
      ['bank in default', 'shop in tills', 'web in default'],
    )
  })

  test('a tombstone carries what the manifest it takes away asked for', async () => {
    const asked: [string, Digest][] = []
    const { deciding, created, assign } = createWorld(undefined, {
      async objectsOf(cluster, manifest) {
        asked.push([cluster, manifest])
        return objects({ deletionPolicy: 'Orphan' })
      },
    })
    assign('shop', old, 'a')
    assign('web', good, 'a')
    const fleet = fleetOf(['a'], { web: '' })
    await deciding.decide(fleet, contentsOf(fleet))
    assert.deepEqual(asked, [['a', old.digest]])
    assert.equal(created[0]?.plan.targets['a']?.deletionPolicy, 'Orphan')
  })

  test('what others are to get there is left, by those that stay and by those that go, and these begin', async () => {
    const id = '/ConfigMap/shop/a'
    const { deciding, created, assign } = createWorld(['a'], {
      objectsOf: async (_, manifest) =>
        manifest === old.digest
          ? objects({ fingerprint: 'two', spellings: new Set([id, '/Secret/shop/b']) })
          : objects({
              fingerprint: 'one',
              spellings: new Set(manifest === next.digest ? [id] : []),
            }),
    })
    const next = { ...good, digest: digestOf('next') }
    assign('shop', old, 'a')
    assign('bank', old, 'a')
    const fleet = fleetOf(['a'], { bank: '', web: '' })
    const { applications, ...rest } = contentsOf(fleet)
    await deciding.decide(fleet, {
      ...rest,
      applications: new Map([...applications, ['web', new Map([['a', next]])]]),
    })
    const left = created.map(({ plan: { application, targets } }) => [
      application,
      targets['a']?.leave,
    ])
    assert.deepEqual(left, [
      ['bank', [id]],
      ['shop', [id]],
      ['web', undefined],
    ])
  })

  for (const [title, phase, starts] of [
    ['stands at its gate', 'Progressing', true],
    ['waits for a person', 'Planned', false],
  ] as const) {
    test(`what a rollout that ${title} would delete, and a later commit gives to others, is left by one in its place`, async () => {
      const id = '/ConfigMap/shop/a'
      const fuller = { ...old, digest: digestOf('fuller') }
      const { deciding, state, created, assign } = createWorld(['a', 'b'], {
        objectsOf: async (_, manifest) =>
          objects({
            fingerprint: manifest,
            spellings: new Set(manifest === good.digest ? [] : [id]),
          }),
      })
      assign('shop', old, 'a', 'b')
      assign('web', good, 'a', 'b')
      const fleet = fleetOf(['a', 'b'], { shop: '', web: '' })
      const contents = contentsOf(fleet)
      const decide = async (web: Content) => {
        const applications = new Map(contents.applications)
        applications.set('web', new Map(['a', 'b'].map((name) => [name, web])))
        await deciding.decide(fleet, { ...contents, applications })
        return created.splice(0).filter(({ plan }) => plan.application === 'shop')
      }
      const [first] = await decide(good)
      assert.equal(first!.plan.targets['a']!.leave, undefined)
      addRollout(state, first!.plan, { ...createRun(first!.plan), phase })
      assert.deepEqual(await decide(good), [], 'nobody is to get it')
      const [second] = await decide(fuller)
      assert.deepEqual(second!.plan.targets['b']!.leave, [id])
      assert.equal(second!.start, starts)
      assert.equal(admit(state, second!.plan, { start: starts, force: false }).existing, null)
      addRollout(state, second!.plan, { ...createRun(second!.plan), phase })
      assert.deepEqual(await decide(fuller), [], 'once is enough')
    })
  }

  test('one that a person paused cannot be resumed then, and what is in its place waits for a person', async () => {
    const fuller = { ...old, digest: digestOf('fuller') }
    const { deciding, state, created, acted, assign } = createWorld(['a'], {
      objectsOf: async (_, manifest) =>
        objects({
          fingerprint: manifest,
          spellings: new Set(manifest === good.digest ? [] : ['/ConfigMap/shop/a']),
        }),
    })
    assign('shop', old, 'a')
    assign('web', good, 'a')
    const fleet = fleetOf(['a'], { shop: '', web: '' })
    const contents = contentsOf(fleet)
    await deciding.decide(fleet, contents)
    const { plan } = created.splice(0)[0]!
    addRollout(state, plan, { ...createRun(plan), phase: 'Paused' })
    const applications = new Map([...contents.applications, ['web', new Map([['a', fuller]])]])
    const [fault] = await deciding.decide(fleet, { ...contents, applications })
    const [next] = created.filter((one) => one.plan.application === 'shop')
    assert.equal(next!.start, false)
    assert.equal(next!.plan.behind, undefined)
    assert.deepEqual(acted, [[plan.id, 'supersede']])
    assert.match(fault!.message, new RegExp(`swell rollout begin ${next!.plan.id}`))
  })

  test('one that failed on a cluster, and stopped there, goes nowhere else with the next commit', async () => {
    const { deciding, state, acted, summary, assign } = createWorld(['a', 'b'])
    const nothing = { digest: null, size: 0, revision: 'r' }
    assign('shop', nothing, 'a')
    assign('shop', old, 'b')
    assign('web', good, 'a', 'b')
    const targets = { a: target(old, nothing), b: target(old, nothing) }
    const removal = plan([wave('removals', ['a', 'b'])], { targets })
    const failed = { state: 'Done', outcome: 'Failed', generation: 1, at: 0, message: '' } as const
    const clusters = { a: failed, b: { state: 'Pending' } } as const
    addRollout(state, removal, { ...createRun(removal), phase: 'Paused', clusters })
    const fleet = fleetOf(['a', 'b'], { web: '' })
    await deciding.decide(fleet, contentsOf(fleet))
    assert.deepEqual([acted, summary()], [[], []])
  })

  // It was taken for something else than Git asks, and the next look at Git had it go on to the other clusters.
  test('from clusters that are selected no more stops where it failed, and goes along with what comes next', async () => {
    const { deciding, state, acted, summary, assign } = createWorld(['a', 'b', 'c'])
    const nothing = { digest: null, size: 0, revision: 'r' }
    assign('shop', nothing, 'a')
    assign('shop', old, 'b', 'c')
    const targets = { a: target(old, nothing), b: target(old, nothing) }
    const removal = plan([wave('removals', ['a', 'b'])], { targets })
    const failed = { state: 'Done', outcome: 'Failed', generation: 1, at: 0, message: '' } as const
    const clusters = { a: failed, b: { state: 'Pending' } } as const
    addRollout(state, removal, { ...createRun(removal), phase: 'Paused', startedAt: 0, clusters })
    const fleet = fleetOf(['a', 'b', 'c'], { shop: '' })
    const ask = (content: Content) =>
      deciding.decide(fleet, {
        ...contentsOf(fleet),
        applications: new Map([['shop', new Map([['c', content]])]]),
      })
    await ask(old)
    assert.deepEqual([acted, summary()], [[], []])
    await ask(good)
    assert.deepEqual(summary(), [['shop', '-a -b c', true]])
  })

  test('from clusters that are selected no more goes on where all that is new for others is on hold', async () => {
    const { deciding, state, acted, summary, assign } = createWorld(['a', 'b', 'c'])
    const [nothing, bad] = [
      { digest: null, size: 0, revision: 'r' },
      { ...good, digest: digestOf('bad') },
    ]
    const rolledBack = plan([wave('all', ['d'])], { id: 'r0', targets: { d: target(old, bad) } })
    const { contentDigest, id } = rolledBack
    addRollout(state, rolledBack, { ...createRun(rolledBack), phase: 'RolledBack', startedAt: 0 })
    const hold = { application: 'shop', contentDigest, revision: 'bad', rollout: id, at: 1 }
    state.holds.set('shop', { ...hold, reason: 'it broke' })
    assign('shop', nothing, 'a')
    assign('shop', old, 'b', 'c')
    const targets = { a: target(old, nothing), b: target(old, nothing) }
    const removal = plan([wave('removals', ['a', 'b'])], { targets })
    addRollout(state, removal, { ...createRun(removal), phase: 'Progressing', startedAt: 0 })
    const fleet = fleetOf(['a', 'b', 'c'], { shop: '' })
    await deciding.decide(fleet, {
      ...contentsOf(fleet),
      applications: new Map([['shop', new Map([['c', bad]])]]),
    })
    assert.deepEqual([acted, summary()], [[], []])
  })

  test('what is on its way and nowhere yet comes nowhere once it left Git', async () => {
    const { deciding, state, acted, created } = createWorld(['a'])
    const fleet = fleetOf(['a'], { shop: '' })
    await deciding.decide(fleet, contentsOf(fleet))
    const { plan } = created[0]!
    addRollout(state, plan, { ...createRun(plan), phase: 'Progressing' })
    const without = fleetOf(['a'], {})
    await deciding.decide(without, contentsOf(without))
    assert.deepEqual(acted, [[plan.id, 'supersede']])
  })

  test('a removal waits where another application is to come that cannot be rendered, and a person may do it', async () => {
    const { deciding, summary, assign } = createWorld()
    assign('web', good, 'a', 'b')
    assign('bank', good, 'a', 'b', 'c')
    const fleet = fleetOf(['a', 'b', 'c/{suspend: true}'], { shop: '', bank: '' })
    const contents = contentsOf(fleet, good, ['shop'])
    assert.deepEqual(await deciding.decide(fleet, contents), [
      {
        object: 'Application web',
        message:
          'it is not removed on a, b yet: shop is to come there and cannot be rendered, so nobody can tell which objects go there. Mend that first, or remove it all the same: `swell rollout start web`',
      },
    ])
    assert.deepEqual(summary(), [])
    const made = await deciding.plan(fleet, contents, 'web', 'bob', 'it is meant')
    assert.deepEqual(Object.keys(made!.targets), ['a', 'b'])
  })

  test('it waits as well where that one is there, and broke with the commit', async () => {
    const { deciding, summary, assign } = createWorld()
    for (const name of ['web', 'shop']) assign(name, good, 'a')
    const before = fleetOf(['a'], { shop: '', web: '' })
    await deciding.decide(before, contentsOf(before))
    const fleet = fleetOf(['a'], { shop: '' })
    const broken = contentsOf(fleet, good, ['shop'])
    for (const _ of ['once', 'and again']) {
      const faults = await deciding.decide(fleet, broken)
      assert.match(faults[0]!.message, /it is not removed on a yet: shop/)
    }
    assert.deepEqual(summary(), [])
    await deciding.decide(fleet, contentsOf(fleet))
    assert.deepEqual(summary(), [['web', '-a', true]])
  })

  test('nor does it wait where that one runs already, and was broken before, or is suspended', async () => {
    const { deciding, summary, assign } = createWorld()
    assign('web', good, 'a')
    assign('shop', old, 'a')
    const before = fleetOf(['a'], { shop: '', web: '' })
    await deciding.decide(before, contentsOf(before, good, ['shop']))
    const fleet = fleetOf(['a'], { shop: '', bank: ', suspend: true' })
    assert.deepEqual(await deciding.decide(fleet, contentsOf(fleet, good, ['shop'])), [])
    assert.deepEqual(summary(), [['web', '-a', true]])
  })

  test('an application that lets its objects go when it goes is rolled back so', async () => {
    const { deciding, created } = createWorld(['a'])
    const fleet = fleetOf(['a'], { shop: ', deletionPolicy: Orphan', web: '' })
    await deciding.decide(fleet, contentsOf(fleet))
    const back = created.map(({ plan }) => contentBefore(plan, 'a').deletionPolicy)
    assert.deepEqual(back, ['Orphan', undefined])
  })

  test('nothing is removed when nobody can tell what is to become of its objects', async () => {
    const { deciding, summary, assign } = createWorld(undefined, {
      objectsOf: async () => Promise.reject(new HubError('content_missing', 'lost')),
    })
    assign('shop', old, 'a')
    assign('web', good, 'a')
    const fleet = fleetOf(['a'], { web: '' })
    const faults = await deciding.decide(fleet, contentsOf(fleet))
    assert.deepEqual(faults, [{ object: 'Application shop', message: 'lost' }])
    assert.deepEqual(summary(), [])
  })

  test('when most applications are gone at once their removal waits for a person', async () => {
    const { deciding, summary, assign } = createWorld()
    for (const name of ['shop', 'web', 'bank']) assign(name, old, 'a')
    const fleet = fleetOf(['a'], { web: '' })
    const [fault] = await deciding.decide(fleet, contentsOf(fleet))
    assert.match(fault!.message, /2 of 3 applications are gone from Git.*waits/)
    assert.deepEqual(summary(), [
      ['web', 'a', true],
      ['bank', '-a', false],
      ['shop', '-a', false],
    ])
  })

  test('an empty fleet repository removes nothing by itself', async () => {
    const { deciding, summary, assign } = createWorld()
    for (const name of ['shop', 'web']) assign(name, old, 'a')
    const declared = fleetOf(['a'], {})
    await deciding.decide(declared, contentsOf(declared))
    assert.ok(summary().every(([, , start]) => start === false))
    const nothing = createWorld()
    nothing.assign('shop', old, 'a')
    const empty = fleetOf([], {})
    await nothing.deciding.decide(empty, contentsOf(empty))
    assert.deepEqual(nothing.summary(), [])
  })
})
