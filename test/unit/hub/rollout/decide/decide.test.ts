import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../../../../hub/errors.ts'
import { foldAccepted } from '../../../../../hub/ledger/accepted.ts'
import { addRollout } from '../../../../../hub/ledger/by-application.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import type { ClusterProgress, Content } from '../../../../../hub/rollout/rollout.ts'
import { step } from '../../../../../hub/rollout/step/step.ts'
import { contentsOf, createWorld, fleetOf, fleetRevision } from '../decide-world.ts'
import { good, old, plan, target, wave } from '../world.ts'

describe('decide', () => {
  test('plans and starts what differs, and says who asked for it', async () => {
    const { deciding, created, assign, summary } = createWorld()
    const fleet = fleetOf(['a', 'b', 'c'], { shop: '', web: '' })
    assign('shop', old, 'a', 'b')
    assign('web', good, 'a', 'b', 'c')
    assert.deepEqual(await deciding.decide(fleet, contentsOf(fleet)), [])
    assert.deepEqual(summary(), [['shop', 'a b c', true]])
    const { plan } = created[0]!
    assert.deepEqual(plan.trigger, { kind: 'commit', actor: 'Ada', reason: 'Make it better' })
    assert.deepEqual(
      [plan.revision, plan.fleetRevision, plan.createdAt],
      [good.revision, fleetRevision, 42],
    )
    assert.equal(plan.targets['a']?.previous?.digest, old.digest)
    assert.equal(plan.targets['c']?.previous, null)
  })

  test('a hold ends when Git asks for something else, and only then', async () => {
    const { deciding, state, released, assign } = createWorld(['a', 'b'])
    const bad = target(old, { ...good, digest: digestOf('bad') })
    const rolledBack = plan([wave('all', ['a', 'b'])], { targets: { a: bad, b: bad } })
    const ended = { phase: 'RolledBack', finishedAt: 1 } as const
    addRollout(state, rolledBack, { ...createRun(rolledBack), ...ended })
    const { contentDigest, id } = rolledBack
    const hold = { application: 'shop', contentDigest, revision: 'bad', rollout: id, at: 1 }
    state.holds.set('shop', { ...hold, reason: 'it broke' })
    assign('shop', old, 'a', 'b')
    const fleet = fleetOf(['a', 'b'], { shop: '' })
    await deciding.decide(fleet, contentsOf(fleet, bad))
    assert.deepEqual(released, [], 'Git still asks for it')
    await deciding.decide(fleet, contentsOf(fleet, old))
    assert.deepEqual(released, ['shop'], 'it was reverted')
  })

  // Whatever one cluster got instead ended the hold, and one that joined then got what had been rolled back.
  test('a hold stays while Git asks for it on one cluster, and is gone round for the others', async () => {
    const { deciding, state, created, summary, assign, acted } = createWorld(['a', 'b', 'c'])
    const bad = target(old, { ...good, digest: digestOf('bad') })
    const rolledBack = plan([wave('all', ['a', 'b'])], { id: 'r9', targets: { a: bad, b: bad } })
    const back: ClusterProgress = { state: 'Reverted', generation: 2, at: 1, outcome: 'Failed' }
    const ended = { phase: 'RolledBack', startedAt: 0, finishedAt: 1 } as const
    const run = { ...createRun(rolledBack), ...ended, clusters: { a: back, b: back } }
    addRollout(state, rolledBack, run)
    const { contentDigest, id } = rolledBack
    const hold = { application: 'shop', contentDigest, revision: 'bad', rollout: id, at: 1 }
    state.holds.set('shop', { ...hold, reason: 'it broke' })
    assign('shop', old, 'a', 'b')
    const fleet = fleetOf(['a', 'b', 'c'], { shop: '' })
    const asked = (b: Content) => {
      const shop = new Map<string, Content>(Object.entries({ a: bad, b, c: bad }))
      return { ...contentsOf(fleet), applications: new Map([['shop', shop]]) }
    }
    await deciding.decide(fleet, asked(good))
    assert.deepEqual(summary(), [['shop', 'b', true]])
    assert.equal(created[0]!.isAskedStill, true)
    // Once that is asked for no more either, it is stopped; only what is on hold is left.
    addRollout(state, created[0]!.plan, { ...createRun(created[0]!.plan), phase: 'Progressing' })
    await deciding.decide(fleet, asked(bad))
    assert.deepEqual(acted, [[created[0]!.plan.id, 'supersede']])
  })

  test('clusters that are not enrolled, revoked, suspended or not declared get nothing', async () => {
    const { deciding, state, summary, assign } = createWorld(['a', 'b', 'c', 'gone'])
    state.revoked.set('b', 'stolen')
    assign('shop', old, 'a', 'b', 'c', 'gone')
    const fleet = fleetOf(['a', 'b', 'c/{suspend: true}', 'new'], { shop: '' })
    await deciding.decide(fleet, contentsOf(fleet))
    assert.deepEqual(summary(), [['shop', 'a', true]])
  })

  test('a suspended application is left alone, whatever runs of it', async () => {
    const { deciding, summary, assign } = createWorld()
    assign('shop', old, 'a', 'b', 'c')
    const fleet = fleetOf(['a', 'b', 'c'], { shop: ', suspend: true' })
    assert.deepEqual(await deciding.decide(fleet, contentsOf(fleet)), [])
    assert.deepEqual(summary(), [])
  })

  test('I4 an application that cannot be rendered is left alone, and stops no other', async () => {
    const { deciding, summary, assign } = createWorld()
    assign('shop', old, 'a', 'b', 'c')
    const fleet = fleetOf(['a', 'b', 'c'], { shop: '', web: '' })
    await deciding.decide(fleet, contentsOf(fleet, good, ['shop']))
    assert.deepEqual(summary(), [['web', 'a b c', true]])
  })

  test('a fault of one application is told with its name, and stops no other', async () => {
    const { deciding, summary } = createWorld(undefined, {
      async describe(application) {
        if (application === 'bank') throw new TypeError('no such commit')
        if (application !== 'shop') return { author: 'Ada', subject: '' }
        throw new HubError('plan_invalid', 'two', {
          faults: [{ message: 'one' }, { message: 'two' }],
        })
      },
    })
    const fleet = fleetOf(['a'], { bank: '', shop: '', web: '' })
    const faults = await deciding.decide(fleet, contentsOf(fleet))
    assert.deepEqual(faults, [
      { object: 'Application bank', message: 'no such commit' },
      { object: 'Application shop', message: 'one' },
      { object: 'Application shop', message: 'two' },
    ])
    assert.deepEqual(summary(), [['web', 'a', true]])
  })

  test('I4 an application whose targets select nothing any more keeps running, and that is said', async () => {
    const { deciding, summary, assign } = createWorld()
    assign('shop', old, 'a', 'b')
    const fleet = fleetOf(['a', 'b'], { shop: '' })
    const contents = { ...contentsOf(fleet), applications: new Map([['shop', new Map()]]) }
    const [fault] = await deciding.decide(fleet, contents)
    assert.match(fault!.message, /select no cluster, but it runs on 2; nothing is removed/)
    assert.deepEqual(summary(), [])
  })

  test('F60: I4 an application that is not in a commit from before the one in force waits to be removed', async () => {
    const { deciding, state, summary, assign } = createWorld()
    assign('shop', old, 'a', 'b')
    assign('web', good, 'a', 'b')
    const fleet = fleetOf(['a', 'b'], { web: '' })
    foldAccepted(state, fleetRevision)
    foldAccepted(state, 'main@sha1:newer')
    foldAccepted(state, fleetRevision)
    const [fault] = await deciding.decide(fleet, contentsOf(fleet))
    assert.match(
      fault!.message,
      /went back to main.*before main@sha1:newer: it was pushed by force/,
    )
    assert.match(fault!.message, /1 of 2 applications are not in it.*swell rollout start/)
    assert.deepEqual(summary(), [['shop', '-a -b', false]])
  })

  test('F60: I4 nor is it removed from clusters that such a commit does not select', async () => {
    const { deciding, state, summary, assign } = createWorld()
    assign('shop', good, 'a', 'b')
    const fleet = fleetOf(['a', 'b'], { shop: '' })
    const asked = {
      ...contentsOf(fleet),
      applications: new Map([['shop', new Map([['a', good]])]]),
    }
    foldAccepted(state, fleetRevision)
    foldAccepted(state, 'main@sha1:newer')
    await deciding.decide(fleet, asked)
    assert.deepEqual(summary(), [])
    const word = await deciding.plan(fleet, asked, 'shop', 'alice', '')
    assert.deepEqual(Object.keys(word!.targets), ['b'], 'but by a person')
  })

  test('and one that is not in a new commit goes by itself', async () => {
    const { deciding, state, summary, assign } = createWorld()
    assign('shop', old, 'a', 'b')
    assign('web', good, 'a', 'b')
    const fleet = fleetOf(['a', 'b'], { web: '' })
    foldAccepted(state, 'main@sha1:before')
    foldAccepted(state, fleetRevision)
    assert.deepEqual(await deciding.decide(fleet, contentsOf(fleet)), [])
    assert.deepEqual(summary(), [['shop', '-a -b', true]])
  })

  test('a rollout in hand is waited for, or withdrawn when Git asks for what runs', async () => {
    const { deciding, state, acted, summary, assign } = createWorld()
    const active = plan([wave('one', ['a'])], { id: 'r9', targets: { a: target(old, good) } })
    addRollout(state, active, { ...createRun(active), phase: 'Progressing', startedAt: 1 })
    assign('shop', old, 'a')
    const fleet = fleetOf(['a'], { shop: '' })
    await deciding.decide(fleet, contentsOf(fleet, good))
    assert.deepEqual([acted, summary()], [[], []])
    await deciding.decide(fleet, contentsOf(fleet, old))
    assert.deepEqual([acted, summary()], [[['r9', 'supersede']], []])
  })
})

// It started when the one before it had ended, and brought what had been reverted.
test('what waits in line is taken back when Git asks again for what the rollout before it brings', async () => {
  const { deciding, state, acted, summary, assign } = createWorld(['a', 'b'])
  const first = plan([wave('one', ['a']), wave('two', ['b'])], { id: 'r9', supersede: 'queue' })
  addRollout(state, first, { ...createRun(first), phase: 'Progressing', startedAt: 1 })
  const targets = { b: target(old, { ...good, digest: digestOf('fixed') }) }
  const next = plan([wave('two', ['b'])], { id: 'r10', targets, supersede: 'queue' })
  addRollout(state, next, createRun(next))
  assign('shop', good, 'a')
  assign('shop', old, 'b')
  const fleet = fleetOf(['a', 'b'], { shop: '' })
  await deciding.decide(fleet, contentsOf(fleet, good))
  assert.deepEqual([acted, summary()], [[['r10', 'supersede']], []])
})

describe('a rollout that a person has paused', () => {
  const [bad, fixed] = [good, { ...good, digest: digestOf('fixed') }]
  const begun = (clusters: Record<string, ClusterProgress>, rest: readonly string[] = ['b']) => {
    const made = createWorld(['a', ...rest])
    const targets = Object.fromEntries(['a', ...rest].map((name) => [name, target(old, bad)]))
    const active = plan([wave('one', ['a']), wave('two', rest)], { id: 'r9', targets })
    const run = { ...createRun(active), phase: 'Paused', startedAt: 1 } as const
    addRollout(made.state, active, { ...run, clusters: { ...run.clusters, ...clusters } })
    made.assign('shop', bad, 'a')
    made.assign('shop', old, ...rest)
    return made
  }
  const soaking: ClusterProgress = {
    ...{ state: 'Soaking', generation: 1, offeredAt: 0, healthySince: 0 },
  }

  // A label that a colleague changed set it going again.
  test('is not gone on with by a commit beside it: the new plan waits, and that is said', async () => {
    const { deciding, summary } = begun({ a: soaking })
    const fleet = fleetOf(['a', 'b'], { shop: '' })
    const contents = contentsOf(fleet, bad)
    const shop = new Map([
      ['a', bad],
      ['b', fixed],
    ])
    const [fault] = await deciding.decide(fleet, {
      ...contents,
      applications: new Map([['shop', shop]]),
    })
    assert.match(fault!.message, /rollout r9 was paused by a person.*`swell rollout begin r1`/)
    assert.deepEqual(summary(), [['shop', 'a b', false]])
  })

  // Behind what was aborted it waited for good, and brought that on when somebody began it, as they were told to.
  test('is followed by what waits behind it, once the person has it go on, and by a new plan when it was aborted', async () => {
    for (const [phase, action] of [
      ['Paused', undefined],
      ['Aborted', 'supersede'],
      ['RolledBack', 'supersede'],
      ['Progressing', 'start'],
      ['Succeeded', 'start'],
      // Its hub died as the other was to take its place.
      ['Superseded', 'start'],
    ] as const) {
      const { deciding, state, acted } = begun({ a: soaking })
      const targets = { a: target(old, bad), b: target(old, fixed) }
      const next = plan([wave('all', ['a', 'b'])], { id: 'r10', targets, behind: 'r9' })
      addRollout(state, next, createRun(next))
      state.runs.set('r9', { ...state.runs.get('r9')!, phase })
      const fleet = fleetOf(['a', 'b'], { shop: '' })
      const shop = new Map([
        ['a', bad],
        ['b', fixed],
      ])
      const contents = { ...contentsOf(fleet), applications: new Map([['shop', shop]]) }
      assert.deepEqual(await deciding.decide(fleet, contents), [])
      assert.deepEqual(acted, action ? [['r10', action]] : [], phase)
    }
  })

  // A canary that failed after it made it one that a failure had paused, and the commit went ahead.
  test('is not gone on with because something failed since', async () => {
    const { deciding, state, summary } = begun({ a: soaking })
    const [r9, moving] = [state.plans.get('r9')!, state.runs.get('r9')!]
    const pause = { kind: 'action', action: { kind: 'pause' }, actor: 'ada', reason: '' } as const
    const { run } = step(r9, { ...moving, phase: 'Progressing' }, pause, {}, 1, 2)
    const failed = { state: 'Done', outcome: 'Failed', generation: 1, at: 1, message: '' } as const
    state.runs.set('r9', { ...run, clusters: { ...run.clusters, a: failed } })
    const fleet = fleetOf(['a', 'b'], { shop: '' })
    const shop = new Map(Object.entries({ a: bad, b: fixed }))
    const contents = { ...contentsOf(fleet), applications: new Map([['shop', shop]]) }
    await deciding.decide(fleet, contents)
    assert.deepEqual(summary(), [['shop', 'a b', false]])
  })

  // What had taken the place of one that a person paused, to wait for them, went with the next commit: found by a play.
  test('is not gone on with by a commit beside what waits for that person in its place', async () => {
    const again = { ...good, digest: digestOf('again') }
    const waiting = { id: 'r6', targets: { a: target(old, bad), b: target(old, fixed) } }
    for (const [a, start] of [
      [bad, false],
      [again, true],
    ] as const) {
      const { deciding, state, summary } = createWorld(['a', 'b'])
      const made = plan([wave('all', ['a', 'b'])], waiting)
      addRollout(state, made, createRun(made))
      const fleet = fleetOf(['a', 'b'], { shop: '' })
      const shop = new Map(Object.entries({ a, b: again }))
      const contents = { ...contentsOf(fleet), applications: new Map([['shop', shop]]) }
      await deciding.decide(fleet, contents)
      assert.deepEqual(summary(), [['shop', 'a b', start]])
    }
  })

  // It took the place of both, without the canary, and the next wave got what had been paused.
  test('is not gone on with by a second commit beside it either, nor once it was aborted', async () => {
    const again = { ...good, digest: digestOf('again') }
    for (const phase of ['Paused', 'Aborted'] as const) {
      const { deciding, state, summary, created } = begun({ a: soaking }, ['b', 'c'])
      const targets = { a: target(old, bad), b: target(old, bad), c: target(old, fixed) }
      const next = plan([wave('all', ['a', 'b', 'c'])], { id: 'r10', targets, behind: 'r9' })
      addRollout(state, next, createRun(next))
      const ended: ClusterProgress = {
        ...{ state: 'Done', outcome: 'Skipped', generation: 0, at: 1, message: '' },
      }
      const { clusters, ...run } = state.runs.get('r9')!
      const left = phase === 'Paused' ? clusters : { a: ended, b: ended, c: ended }
      state.runs.set('r9', { ...run, phase, clusters: left })
      const fleet = fleetOf(['a', 'b', 'c'], { shop: '' })
      const shop = new Map([
        ['a', bad],
        ['b', bad],
        ['c', again],
      ])
      const contents = { ...contentsOf(fleet), applications: new Map([['shop', shop]]) }
      await deciding.decide(fleet, contents)
      const isPaused = phase === 'Paused'
      assert.deepEqual(summary(), [['shop', isPaused ? 'a b c' : 'c', !isPaused]], phase)
      assert.equal(created[0]!.plan.behind, isPaused ? 'r9' : undefined)
    }
  })

  test('gives way at once to a commit that brings everybody something else', async () => {
    const { deciding, summary } = begun({ a: soaking })
    const fleet = fleetOf(['a', 'b'], { shop: '' })
    assert.deepEqual(await deciding.decide(fleet, contentsOf(fleet, fixed)), [])
    assert.deepEqual(summary(), [['shop', 'a b', true]])
  })
})

describe('plan', () => {
  test('by a person’s word is kept as theirs, and takes in what failed before', async () => {
    const { deciding, state, assign } = createWorld()
    const failed = plan([wave('one', ['a'])], { targets: { a: target(old, good) } })
    const outcome = { state: 'Done', outcome: 'Failed', generation: 1, at: 0, message: '' } as const
    addRollout(state, failed, { ...createRun(failed), phase: 'Failed', clusters: { a: outcome } })
    assign('shop', old, 'a')
    const fleet = fleetOf(['a'], { shop: '' })
    const contents = contentsOf(fleet)
    await deciding.decide(fleet, contents)
    const made = await deciding.plan(fleet, contents, 'shop', 'bob', 'try again')
    assert.deepEqual(made?.trigger, { kind: 'api', actor: 'bob', reason: 'try again' })
    assert.deepEqual(Object.keys(made.targets), ['a'])
  })

  test('is null when everything is as Git asks, and refused with its faults when it cannot be rendered', async () => {
    const { deciding, assign } = createWorld()
    assign('shop', good, 'a')
    const fleet = fleetOf(['a'], { shop: '' })
    assert.equal(await deciding.plan(fleet, contentsOf(fleet), 'shop', 'bob', ''), null)
    await assert.rejects(
      deciding.plan(fleet, contentsOf(fleet, good, ['shop']), 'shop', 'bob', ''),
      {
        code: 'render_failed',
        faults: [{ object: 'Application shop', message: 'broken' }],
      },
    )
  })
})
