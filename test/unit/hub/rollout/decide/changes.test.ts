import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { ChangeInput, PastRollout } from '../../../../../hub/rollout/decide/changes.ts'
import { findChange } from '../../../../../hub/rollout/decide/changes.ts'
import {
  type Assignment,
  type ClusterOutcome,
  type ClusterProgress,
  type Content,
  finalPhases,
  type RolloutPhase,
  type RolloutTarget,
} from '../../../../../hub/rollout/rollout.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import { good, old, plan, target, wave } from '../world.ts'

const names = ['a', 'b', 'c', 'd'] as const
const contents = ['one', 'two', 'three'].map((text): Content => {
  return { digest: digestOf(text), size: 5, revision: `main@sha1:${text}` }
})
const tombstone: Content = { digest: null, size: 0, revision: 'main@sha1:gone' }
const outcomes: readonly ClusterOutcome[] = [
  'Succeeded',
  'Failed',
  'TimedOut',
  'Unreachable',
  'Vetoed',
  'Skipped',
]

function assigned(cluster: string, content: Content): Assignment {
  return { ...content, cluster, application: 'shop', generation: 1, rollout: 'r0' }
}

function past(
  id: string,
  phase: RolloutPhase,
  targets: Record<string, RolloutTarget>,
  progress: (cluster: string) => ClusterProgress,
): PastRollout {
  const clusters = Object.keys(targets)
  const made = plan([wave('one', clusters)], { id, targets })
  const states = Object.fromEntries(clusters.map((name) => [name, progress(name)]))
  const startedAt = phase === 'Planned' ? null : 0
  return { plan: made, run: { ...createRun(made), phase, startedAt, clusters: states } }
}

const done = (outcome: ClusterOutcome): ClusterProgress => ({
  state: 'Done',
  outcome,
  generation: 1,
  at: 0,
  message: '',
})

function input(rest: Partial<ChangeInput> = {}): ChangeInput {
  return {
    desired: new Map(),
    assigned: new Map(),
    reachableByGit: new Set(names),
    connected: () => true,
    previous: () => null,
    history: [],
    again: false,
    ...rest,
  }
}

const content = fc.constantFrom(...contents)
const anyContent = fc.constantFrom(...contents, tombstone)
const progress: fc.Arbitrary<ClusterProgress> = fc.oneof(
  fc.constantFrom(...outcomes).map(done),
  fc.constantFrom<ClusterProgress>(
    { state: 'Pending' },
    { state: 'Offered', generation: 1, offeredAt: 0 },
    { state: 'Reverting', generation: 1, offeredAt: 0, outcome: null },
    { state: 'Reverted', generation: 1, at: 0, outcome: 'Failed' },
  ),
)
const perCluster = <T>(value: fc.Arbitrary<T>) =>
  fc.uniqueArray(fc.tuple(fc.constantFrom(...names), value), { selector: ([name]) => name })
const phase = (active: boolean) =>
  fc.constantFrom<RolloutPhase>(
    ...(active
      ? (['Planned', 'Progressing', 'Paused', 'RollingBack'] as const)
      : (['Succeeded', 'Failed', 'RolledBack', 'Aborted', 'Superseded'] as const)),
  )
const pastRollout = (active: boolean) =>
  fc
    .record({
      id: fc.uuid(),
      phase: phase(active),
      targets: perCluster(fc.record({ content: anyContent, progress })),
    })
    .map(({ id, phase, targets }) => {
      const states = new Map(targets.map(([name, { progress }]) => [name as string, progress]))
      return past(
        id,
        phase,
        Object.fromEntries(targets.map(([name, { content }]) => [name, target(null, content)])),
        (name) => states.get(name)!,
      )
    })
const world = fc
  .record({
    desired: fc.option(perCluster(content)),
    assigned: perCluster(anyContent),
    open: fc.subarray([...names]),
    connected: fc.subarray([...names]),
    previous: perCluster(anyContent),
    active: fc.option(pastRollout(true)),
    ended: fc.array(pastRollout(false), { maxLength: 3 }),
    again: fc.boolean(),
  })
  .map(({ desired, assigned: has, open, connected, previous, active, ended, again }) => {
    const before = new Map<string, Content>(previous)
    return input({
      desired: desired && new Map(desired),
      assigned: new Map(has.map(([name, content]) => [name, assigned(name, content)])),
      reachableByGit: new Set(open),
      connected: (name) => connected.includes(name as 'a'),
      previous: (name) => before.get(name) ?? null,
      history: active ? [active, ...ended] : ended,
      again,
    })
  })
const isActive = ({ run }: PastRollout) => !finalPhases.has(run.phase)
const lastOf = ({ history }: ChangeInput, cluster: string) =>
  history.find(({ plan }) => plan.targets[cluster])

/** Whether a rollout in hand has come to a cluster with this, and it has neither succeeded nor been skipped. */
function isUnproven(given: ChangeInput, cluster: string, digest: Content['digest']): boolean {
  const active = given.history.find(isActive)
  if (!active || active.run.phase === 'Planned' || !given.reachableByGit.has(cluster)) return false
  const there = active.run.clusters[cluster]
  if (active.plan.targets[cluster]?.digest !== digest || !there) return false
  return there.state !== 'Done' || !['Succeeded', 'Skipped'].includes(there.outcome)
}

describe('findChange, whatever the world', () => {
  test('I4 only clusters that are open, and differ or have still to prove it, are in a rollout', () => {
    fc.assert(
      fc.property(world, (given) => {
        const change = findChange(given)
        fc.pre(change.kind === 'rollout')
        for (const [cluster, { digest }] of Object.entries(change.targets)) {
          assert.ok(given.reachableByGit.has(cluster), `${cluster} is not open`)
          const { digest: has = null } = given.assigned.get(cluster) ?? {}
          assert.ok(digest !== has || isUnproven(given, cluster, digest), `${cluster} has it`)
          assert.equal(digest, given.desired?.get(cluster)?.digest ?? null)
        }
      }),
    )
  })

  test('I4 a tombstone is planned only where something runs that Git places there no more', () => {
    fc.assert(
      fc.property(world, (given) => {
        const change = findChange(given)
        fc.pre(change.kind === 'rollout')
        for (const [cluster, { digest }] of Object.entries(change.targets)) {
          if (digest !== null) continue
          assert.ok(!given.desired?.has(cluster))
          const runs = given.assigned.get(cluster)?.digest != null
          assert.ok(runs || isUnproven(given, cluster, null), 'or is on its way away')
          assert.notEqual(given.desired?.size, 0, 'from an empty selection')
        }
      }),
    )
  })

  test('an empty selection is told, never rolled out', () => {
    fc.assert(
      fc.property(world, (given) => {
        const change = findChange({ ...given, desired: new Map() })
        const running = [...given.assigned].filter(
          ([cluster, { digest }]) => digest && given.reachableByGit.has(cluster),
        )
        assert.notEqual(change.kind, 'rollout')
        assert.equal(change.kind === 'emptySelection' ? change.clusters : 0, running.length)
      }),
    )
  })

  test('what failed, was skipped, aborted or rolled back is not redone by itself', () => {
    fc.assert(
      fc.property(world, (given) => {
        const change = findChange({ ...given, again: false })
        fc.pre(change.kind === 'rollout')
        for (const [cluster, { digest }] of Object.entries(change.targets)) {
          const last = lastOf(given, cluster)
          if (last?.plan.targets[cluster]?.digest !== digest || isActive(last)) continue
          const progress = last.run.clusters[cluster]!
          if (progress.state !== 'Done') {
            assert.equal(last.run.phase, 'Superseded', `${progress.state} in ${last.run.phase}`)
            continue
          }
          const redone = ['Succeeded', 'Unreachable', 'Vetoed']
          assert.ok(redone.includes(progress.outcome), progress.outcome)
          if (progress.outcome !== 'Succeeded') assert.ok(given.connected(cluster))
          if (progress.outcome === 'Vetoed') assert.ok(given.vetoed?.(cluster) !== true)
        }
      }),
    )
  })

  test('by a person’s word everything that differs is in it', () => {
    fc.assert(
      fc.property(world, (given) => {
        const change = findChange({ ...given, again: true })
        fc.pre(change.kind === 'rollout')
        for (const [cluster, content] of given.desired ?? []) {
          const differs =
            given.reachableByGit.has(cluster) &&
            given.assigned.get(cluster)?.digest !== content.digest
          const isIn: boolean = change.targets[cluster] !== undefined
          assert.equal(isIn, differs || isUnproven(given, cluster, content.digest), cluster)
        }
      }),
    )
  })

  test('a rollout that is going back is never superseded', () => {
    fc.assert(
      fc.property(world, (given) => {
        const active = given.history.find(isActive)
        fc.pre(active?.run.phase === 'RollingBack')
        const change = findChange(given)
        if (change.kind === 'emptySelection') return
        assert.deepEqual(change, { kind: 'later', rollout: active.plan.id })
      }),
    )
  })

  test('once a change was carried out there is none', () => {
    fc.assert(
      fc.property(world, (given) => {
        const change = findChange(given)
        fc.pre(change.kind === 'rollout')
        const after = new Map(given.assigned)
        for (const [cluster, target] of Object.entries(change.targets)) {
          after.set(cluster, assigned(cluster, target))
        }
        const ended = given.history.map(({ plan, run }): PastRollout => {
          return isActive({ plan, run })
            ? { plan, run: { ...run, phase: 'Superseded' } }
            : { plan, run }
        })
        const mine = past('new', 'Succeeded', change.targets, () => done('Succeeded'))
        const next = findChange({ ...given, assigned: after, history: [mine, ...ended] })
        assert.deepEqual(next, { kind: 'none' })
      }),
    )
  })

  test('nothing to go back to is null, never a tombstone', () => {
    fc.assert(
      fc.property(world, (given) => {
        const change = findChange(given)
        fc.pre(change.kind === 'rollout')
        for (const { previous } of Object.values(change.targets)) {
          assert.notEqual(previous?.digest, null)
        }
      }),
    )
  })
})

describe('F47: a cluster that is selected no more', () => {
  const has = (names: readonly string[], content: Content) =>
    new Map(names.map((name) => [name, assigned(name, content)]))
  const left = {
    desired: new Map([['a', contents[0]!]]),
    assigned: has(['a', 'b'], contents[0]!),
    leaving: (cluster: string) => cluster === 'b',
  }

  test('keeps what it has as long as that is not final', () => {
    assert.deepEqual(findChange(input(left)), { kind: 'none' })
    assert.equal(findChange(input({ ...left, leaving: () => false })).kind, 'rollout')
  })

  test('is removed at once by a person who says so', () => {
    const change = findChange(input({ ...left, again: true }))
    assert.ok(change.kind === 'rollout')
    assert.deepEqual(Object.keys(change.targets), ['b'])
  })

  test('is in no rollout of new content, and stops none that it is in', () => {
    const desired = new Map([['a', contents[1]!]])
    const change = findChange(input({ ...left, desired }))
    assert.ok(change.kind === 'rollout')
    assert.deepEqual(Object.keys(change.targets), ['a'])
    const targets = { a: target(null, contents[1]), b: target(null, contents[1]) }
    const active = past('r1', 'Progressing', targets, () => ({ state: 'Pending' }))
    const going = findChange(input({ ...left, desired, history: [active] }))
    assert.deepEqual(going, { kind: 'later', rollout: 'r1' })
  })
})

describe('findChange', () => {
  const desired = new Map([
    ['a', good],
    ['b', good],
  ])
  const has = (content: Content, ...clusters: string[]) =>
    new Map(clusters.map((name) => [name, assigned(name, content)]))

  test('waits while the rollout in hand brings the same', () => {
    for (const phase of ['Planned', 'Progressing', 'Paused'] as const) {
      const active = past('r1', phase, { a: target(), b: target() }, () => ({ state: 'Pending' }))
      const change = findChange(input({ desired, assigned: has(old, 'a', 'b'), history: [active] }))
      assert.deepEqual(change, { kind: 'later', rollout: 'r1' })
    }
  })

  test('replaces a rollout in hand when Git moved on', () => {
    const active = past('r1', 'Progressing', { a: target(), b: target() }, () => ({
      state: 'Pending',
    }))
    const newest = { ...good, digest: digestOf('newest') }
    const wanted = new Map([...desired].map(([name]) => [name, newest]))
    const change = findChange(
      input({ desired: wanted, assigned: has(old, 'a', 'b'), history: [active] }),
    )
    assert.ok(change.kind === 'rollout')
    assert.deepEqual(
      Object.values(change.targets).map(({ digest }) => digest),
      [newest.digest, newest.digest],
    )
  })

  test('withdraws a rollout in hand when Git asks again for what runs', () => {
    const active = past('r1', 'Paused', { a: target(), b: target() }, () => ({ state: 'Pending' }))
    const back = new Map([...desired].map(([name]) => [name, old]))
    const change = findChange(
      input({ desired: back, assigned: has(old, 'a', 'b'), history: [active] }),
    )
    assert.deepEqual(change, { kind: 'withdraw', rollout: 'r1' })
  })

  test('what failed is tried again by a person’s word, or when Git brings other content', () => {
    for (const outcome of outcomes) {
      const failed = past('r1', 'Failed', { a: target(), b: target() }, () => done(outcome))
      const given = input({ desired, assigned: has(old, 'a', 'b'), history: [failed] })
      const redone = ['Succeeded', 'Unreachable', 'Vetoed'].includes(outcome)
      assert.equal(findChange(given).kind, redone ? 'rollout' : 'none', outcome)
      assert.equal(findChange({ ...given, again: true }).kind, 'rollout', outcome)
      const moved = new Map([...desired].map(([name]) => [name, contents[0]!]))
      assert.equal(findChange({ ...given, desired: moved }).kind, 'rollout', outcome)
    }
  })

  test('what a cluster missed while it was away waits until it is back', () => {
    const missed = past('r1', 'Succeeded', { a: target(), b: target() }, (name) =>
      done(name === 'a' ? 'Succeeded' : 'Unreachable'),
    )
    const given = input({ desired, history: [missed] })
    const running = new Map([...has(good, 'a'), ...has(old, 'b')])
    const away = { ...given, assigned: running, connected: () => false }
    assert.deepEqual(findChange(away), { kind: 'none' })
    const back = findChange({ ...away, connected: () => true })
    assert.ok(back.kind === 'rollout' && back.catchUp)
    assert.deepEqual(Object.keys(back.targets), ['b'])
  })

  test('what a cluster refused waits until its veto ends', () => {
    const refused = past('r1', 'Succeeded', { a: target() }, () => done('Vetoed'))
    const given = input({ desired: new Map([['a', good]]), assigned: has(old, 'a') })
    const vetoed = { ...given, history: [refused], vetoed: () => true }
    assert.deepEqual(findChange(vetoed), { kind: 'none' })
    const free = findChange({ ...vetoed, vetoed: () => false })
    assert.ok(free.kind === 'rollout' && free.catchUp)
  })

  test('a cluster that joins late catches up; new content is no catching up', () => {
    const first = past('r1', 'Succeeded', { a: target() }, () => done('Succeeded'))
    const given = input({ desired, assigned: has(good, 'a'), history: [first] })
    const joined = findChange(given)
    assert.ok(joined.kind === 'rollout' && joined.catchUp)
    const fresh = findChange({ ...given, history: [] })
    assert.ok(fresh.kind === 'rollout' && !fresh.catchUp)
  })

  test('an application that Git declares no more is removed where it runs and may be', () => {
    const reachableByGit = new Set(['a'])
    const change = findChange(
      input({ desired: null, assigned: has(old, 'a', 'b'), reachableByGit }),
    )
    assert.ok(change.kind === 'rollout')
    assert.deepEqual(
      Object.entries(change.targets).map(([name, { digest }]) => [name, digest]),
      [['a', null]],
    )
  })
})
