import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import {
  type ChangeInput,
  findChange,
  type PastRollout,
} from '../../../../../hub/rollout/decide/changes.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import type {
  ClusterProgress,
  Content,
  RolloutPhase,
  RolloutRun,
} from '../../../../../hub/rollout/rollout.ts'
import { good, old, plan, target, wave } from '../world.ts'

/* Clusters a (the canary), b and c; d joins later. What a rollout brought and nobody has proven. */

const other: Content = { ...good, digest: digestOf('other') }

function past(
  id: string,
  content: Content,
  phase: RolloutPhase,
  clusters: Readonly<Record<string, ClusterProgress>>,
  rest: Partial<RolloutRun> = {},
): PastRollout {
  const waves = [wave('canary', ['a']), wave('rest', ['b', 'c'])]
  const names = ['a', 'b', 'c']
  const targets = Object.fromEntries(names.map((name) => [name, target(old, content)]))
  const made = plan(waves, { id, targets })
  const run = { ...createRun(made), phase, startedAt: 1, finishedAt: 9, ...rest }
  return { plan: made, run: { ...run, clusters: { ...run.clusters, ...clusters } } }
}
const done = (
  outcome: 'Succeeded' | 'Failed' | 'TimedOut' | 'Unreachable' | 'Skipped',
  rest: { generation?: number; at?: number } = {},
): ClusterProgress => ({ state: 'Done', outcome, generation: 1, at: 9, message: '', ...rest })
/** Its turn had not come when the rollout ended. */
const never = done('Skipped', { generation: 0 })

function ask(
  desired: Readonly<Record<string, Content>>,
  has: Readonly<Record<string, readonly [Content, string]>>,
  history: readonly PastRollout[],
  rest: Partial<ChangeInput> = {},
): string | readonly string[] {
  const change = findChange({
    desired: new Map(Object.entries(desired)),
    assigned: new Map(
      Object.entries(has).map(([cluster, [content, rollout]]) => [
        cluster,
        { ...content, cluster, application: 'shop', generation: 1, rollout },
      ]),
    ),
    reachableByGit: new Set(['a', 'b', 'c', 'd']),
    ...{ connected: () => true, previous: () => old, again: false, history, ...rest },
  })
  return change.kind === 'rollout' ? Object.keys(change.targets) : change.kind
}
const all = (content: Content) => ({ a: content, b: content, c: content })
const canaryHas = (content: Content, rollout: string) =>
  ({ a: [content, rollout], b: [old, 'r0'], c: [old, 'r0'] }) as const

describe('what a person aborted', () => {
  const aborted = (canary: ClusterProgress) =>
    past('r1', good, 'Aborted', { a: canary, b: never, c: never })

  // The canary had it, failed or on its way, was in no wave, and the others got it at once.
  test('I6 begins with its canary again, when Git has asked for something else and asks for it anew', () => {
    const between = past('r2', other, 'Superseded', {})
    for (const canary of [done('Failed'), done('TimedOut'), done('Skipped')]) {
      const history = [between, aborted(canary)]
      assert.deepEqual(ask(all(good), canaryHas(good, 'r1'), history), ['a', 'b', 'c'])
    }
    const skipped = aborted(done('Skipped', { at: 5 }))
    const past_ = [between, skipped]
    assert.deepEqual(
      ask(all(good), canaryHas(good, 'r1'), past_),
      ['b', 'c'],
      'by a person, before it was aborted',
    )
  })

  test('comes to no cluster that joins, until Git asks for something else or a person says so', () => {
    const history = [aborted(done('Failed'))]
    const joined = { ...all(good), d: good }
    assert.equal(ask(joined, canaryHas(good, 'r1'), history), 'none')
    assert.deepEqual(
      ask(joined, canaryHas(good, 'r1'), history, { again: true }),
      ['a', 'b', 'c', 'd'],
      'by a person',
    )
    const again = [past('r2', other, 'Superseded', {}), ...history]
    assert.deepEqual(ask(joined, canaryHas(good, 'r1'), again), ['a', 'b', 'c', 'd'])
  })

  // Where clusters differ in a value, such as their name, it came to each that joined, without the canary.
  test('comes to no cluster that joins and has content of its own either, where nobody runs what Git asks', () => {
    const history = [aborted(done('Failed'))]
    const own = { ...all(good), d: other }
    assert.equal(ask(own, canaryHas(good, 'r1'), history), 'none')
    assert.deepEqual(ask({ ...own, b: old }, canaryHas(good, 'r1'), history), ['d'])
    const before = past('r0', other, 'Succeeded', {})
    assert.deepEqual(ask(own, canaryHas(good, 'r1'), [...history, before]), ['d'], 'known')
  })

  test('nor does what is on hold', () => {
    const back = { state: 'Reverted', generation: 2, at: 9, outcome: null } as const
    const history = [past('r1', good, 'RolledBack', { a: back, b: never, c: never })]
    const held = ({ digest }: Content): boolean => digest === good.digest
    const own = { ...all(good), d: other }
    assert.equal(ask(own, canaryHas(old, 'r1'), history, { held }), 'none')
    assert.deepEqual(ask({ ...own, b: old }, canaryHas(old, 'r1'), history, { held }), ['d'])
  })

  // It went along with what others were to get, and all of that was refused.
  test('keeps nothing back that is not on hold', () => {
    const offered: ClusterProgress = { state: 'Offered', generation: 1, offeredAt: 0 }
    const before = past('r1', good, 'Superseded', { a: offered })
    const held = ({ digest }: Content): boolean => digest === good.digest
    const wanted = { ...all(good), c: other }
    assert.deepEqual(ask(wanted, canaryHas(good, 'r1'), [before], { held }), ['c'])
  })

  // Suspended, or not selected, as it was aborted: it got it as soon as it could be given anything.
  test('comes to no cluster that could be given nothing then', () => {
    const before = past('r0', old, 'Succeeded', { d: done('Succeeded') })
    const targets = { ...before.plan.targets, d: target(null, old) }
    const first = { ...before, plan: { ...before.plan, targets } }
    const has = { ...canaryHas(good, 'r1'), d: [old, 'r0'] } as const
    const wanted = { ...all(good), d: good }
    assert.equal(ask(wanted, has, [aborted(done('Failed')), first]), 'none')
    assert.deepEqual(ask({ ...wanted, d: other }, has, [aborted(done('Failed')), first]), ['d'])
  })

  test('comes to no cluster that was away meanwhile, once it is back', () => {
    const away = past('r1', good, 'Aborted', {
      ...{ a: done('Succeeded'), b: done('Unreachable', { generation: 0 }), c: never },
    })
    assert.equal(ask(all(good), canaryHas(good, 'r1'), [away]), 'none')
  })

  test('is nothing to begin with where others get something else', () => {
    const history = [aborted(done('Skipped'))]
    assert.deepEqual(ask({ ...all(good), c: other }, canaryHas(good, 'r1'), history), ['c'])
  })

  // Others that had it from a rollout before were brought it with whatever came next, without the canary.
  test('is nothing to begin with there where it was to be proven anew, and others had it before', () => {
    const offered: ClusterProgress = { state: 'Offered', generation: 1, offeredAt: 0 }
    const before = past('r0', good, 'Superseded', { b: offered, c: offered }, { wave: 1 })
    const history = [aborted(done('Skipped')), before]
    const has = { a: [good, 'r1'], b: [good, 'r0'], c: [good, 'r0'] } as const
    assert.deepEqual(ask({ ...all(good), c: other }, has, history), ['c'])
  })
})

describe('a canary that has what was not proven', () => {
  const replaced = past('r1', good, 'Superseded', {
    a: { state: 'Offered', generation: 1, offeredAt: 0 },
  })

  // A rollout that was rolled back had given it back, and that one had nothing to prove.
  test('I6 goes first though another rollout was rolled back to it', () => {
    const back = past('r2', other, 'RolledBack', {
      a: { state: 'Reverted', generation: 2, at: 9, outcome: null },
    })
    const history = [back, replaced]
    assert.deepEqual(ask(all(good), canaryHas(good, 'r2'), history), ['a', 'b', 'c'])
  })

  // What ended before the canary's turn had passed it over, as if somebody had.
  test('I6 goes first though another rollout has ended before its turn', () => {
    for (const phase of ['RolledBack', 'Aborted'] as const) {
      const ended = past('r2', other, phase, { ...all(good), a: never, b: never, c: never })
      assert.deepEqual(ask(all(good), canaryHas(good, 'r1'), [ended, replaced]), ['a', 'b', 'c'])
    }
  })

  test('goes not again once a person skipped it in a rollout of the same', () => {
    const skipped = past('r2', good, 'Superseded', { a: done('Skipped', { generation: 0, at: 5 }) })
    assert.deepEqual(ask(all(good), canaryHas(good, 'r1'), [skipped, replaced]), ['b', 'c'])
  })
})

describe('a cluster that has what failed there', () => {
  // `swell rollout start` had nothing to do for it, and what depends on it there waited for ever.
  test('gets it again by a person who starts it once more, and by nothing else', () => {
    for (const outcome of ['Failed', 'TimedOut', 'Unreachable', 'Skipped'] as const) {
      const history = [
        past('r1', good, 'Failed', { ...{ a: done('Succeeded'), b: done(outcome), c: never } }),
      ]
      const has = { a: [good, 'r1'], b: [good, 'r1'], c: [good, 'r0'] } as const
      assert.deepEqual(ask(all(good), has, history, { again: true }), ['b'])
      assert.equal(ask(all(good), has, history), 'none')
    }
  })
})
