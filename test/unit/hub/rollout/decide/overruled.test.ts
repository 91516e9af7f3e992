import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { foldAccepted } from '../../../../../hub/ledger/accepted.ts'
import { addRollout } from '../../../../../hub/ledger/by-application.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import type { ClusterProgress, Content, RolloutPhase } from '../../../../../hub/rollout/rollout.ts'
import { enrol } from '../../status/known-world.ts'
import { contentsOf, createWorld, fleetOf, fleetRevision } from '../decide-world.ts'
import { good, old, plan, target, wave } from '../world.ts'

const bad = { ...good, digest: digestOf('bad') }
const back: ClusterProgress = { state: 'Reverted', generation: 2, at: 1, outcome: 'Failed' }
const skipped: ClusterProgress = {
  ...{ state: 'Done', outcome: 'Skipped', generation: 0, at: 1 },
  message: 'the rollout ended before its turn',
}
const ends: readonly (readonly [RolloutPhase, ClusterProgress, ClusterProgress])[] = [
  ['RolledBack', back, skipped],
  ['Aborted', skipped, skipped],
  ['Failed', { ...skipped, outcome: 'Failed', message: 'away' }, skipped],
]

/** Clusters a and b have what was there before; a rollout that ended was to bring them something else. */
function createEnded([phase, a, b]: (typeof ends)[number]) {
  const world = createWorld(['a', 'b'])
  const content = target(old, bad)
  const ended = plan([wave('all', ['a', 'b'])], {
    id: 'ended',
    targets: { a: content, b: content },
  })
  const run = { phase, startedAt: 0, finishedAt: 1, clusters: { a, b } } as const
  addRollout(world.state, ended, { ...createRun(ended), ...run })
  world.assign('shop', old, 'a', 'b')
  const fleet = fleetOf(['a', 'b'], { shop: '' })
  const ask = (content: Content) => world.deciding.decide(fleet, contentsOf(fleet, content))
  return { ...world, fleet, ask }
}

describe('what was stopped, and Git has taken back', () => {
  // After a rollback, a revert and a revert of that, nothing came and nobody was told.
  test('comes again, as something new, once Git asks for it again', async () => {
    for (const end of ends) {
      const { ask, state, summary } = createEnded(end)
      await ask(bad)
      assert.deepEqual(summary(), [], `${end[0]}: it is asked for ever since`)
      await ask(old)
      assert.deepEqual([...state.overruled.get('ended')!], ['a', 'b'])
      await ask(bad)
      assert.deepEqual(summary(), [['shop', 'a b', true]], end[0])
    }
  })

  test('is written down once', async () => {
    const world = createEnded(ends[1]!)
    await world.ask(old)
    const written = world.state.overruled.get('ended')
    await world.ask(good)
    assert.equal(world.state.overruled.get('ended'), written)
  })

  test('is not by a Git host that shows a commit from before for a while', async () => {
    const { ask, state, summary } = createEnded(ends[0]!)
    for (const revision of [fleetRevision, 'main@sha1:newer', fleetRevision]) {
      foldAccepted(state, revision)
    }
    await ask(old)
    await ask(bad)
    assert.deepEqual(summary(), [])
  })

  // Its hold was over, and clusters that joined got the bad content as the host came round.
  test('nor is its hold over by such a host', async () => {
    const { ask, state, released } = createEnded(ends[0]!)
    const { contentDigest, revision } = state.plans.get('ended')!
    const hold = { application: 'shop', contentDigest, revision, rollout: 'ended', at: 1 }
    state.holds.set('shop', { ...hold, reason: 'it broke' })
    for (const one of [fleetRevision, 'main@sha1:newer', fleetRevision]) foldAccepted(state, one)
    await ask(old)
    assert.deepEqual(released, [])
    foldAccepted(state, 'main@sha1:newer')
    state.newestAccepted = fleetRevision
    await ask(old)
    assert.deepEqual(released, ['shop'])
  })

  test('is not where a cluster is not spoken of: undeclared, or left out of a render', async () => {
    const { ask, state, deciding, fleet } = createEnded(ends[1]!)
    const of = fleetOf(['b'], { shop: '' })
    await deciding.decide(of, contentsOf(of, bad))
    await deciding.decide(fleet, {
      ...contentsOf(fleet, bad),
      applications: new Map([['shop', new Map([['b', bad]])]]),
      skipped: new Map([['shop', new Set(['a'])]]),
    })
    assert.equal(state.overruled.has('ended'), false)
    await ask(old)
    assert.equal(state.overruled.has('ended'), true)
  })

  test('goes on being so for a cluster that joins', async () => {
    const { ask, state, deciding, summary, created } = createEnded(ends[1]!)
    const more = fleetOf(['a', 'b', 'c'], { shop: '' })
    enrol(state, 'c')
    await deciding.decide(more, contentsOf(more, bad))
    assert.deepEqual(summary(), [])
    await ask(old)
    created.length = 0
    await deciding.decide(more, contentsOf(more, bad))
    assert.deepEqual(summary(), [['shop', 'a b c', true]])
  })

  // It was nowhere, so nothing was decided about it as it left Git.
  test('comes again where its Application was deleted meanwhile, and it ran nowhere', async () => {
    const world = createWorld(['a'])
    const content = { ...bad, previous: null }
    const ended = plan([wave('all', ['a'])], { id: 'ended', targets: { a: content } })
    const run = { phase: 'Aborted', startedAt: 0, finishedAt: 1, clusters: { a: skipped } } as const
    addRollout(world.state, ended, { ...createRun(ended), ...run })
    const [without, fleet] = [fleetOf(['a'], {}), fleetOf(['a'], { shop: '' })]
    await world.deciding.decide(fleet, contentsOf(fleet, bad))
    assert.deepEqual(world.summary(), [])
    await world.deciding.decide(without, contentsOf(without))
    await world.deciding.decide(fleet, contentsOf(fleet, bad))
    assert.deepEqual(world.summary(), [['shop', 'a', true]])
  })

  test('goes on being so for a cluster that joins, where it was aborted at its last gate', async () => {
    const well = { ...skipped, outcome: 'Succeeded' as const, generation: 2 }
    const { state, deciding, summary, assign } = createEnded(['Aborted', well, well])
    assign('shop', bad, 'a', 'b')
    enrol(state, 'c')
    const more = fleetOf(['a', 'b', 'c'], { shop: '' })
    await deciding.decide(more, contentsOf(more, bad))
    assert.deepEqual(summary(), [])
  })

  // Only where something ran was a label given time: what somebody had aborted came to the others by one that flapped.
  test('is not by a label that goes and comes back within the grace, also where nothing ever ran', async () => {
    let now = 0
    const world = createWorld(['a', 'b'], { removalGrace: 60_000, clock: () => now })
    const content = { ...bad, previous: null }
    const ended = plan([wave('all', ['a', 'b'])], {
      ...{ id: 'ended', targets: { a: content, b: content } },
    })
    const clusters = { a: skipped, b: skipped }
    const run = { phase: 'Aborted', startedAt: 0, finishedAt: 1, clusters } as const
    addRollout(world.state, ended, { ...createRun(ended), ...run })
    const fleet = fleetOf(['a', 'b'], { shop: '' })
    const both = contentsOf(fleet, bad)
    const one = { ...both, applications: new Map([['shop', new Map([['a', bad]])]]) }
    for (const contents of [both, one, both]) await world.deciding.decide(fleet, contents)
    assert.deepEqual([world.summary(), world.state.overruled.size], [[], 0])
    await world.deciding.decide(fleet, one)
    now = 60_000
    for (const contents of [one, both]) await world.deciding.decide(fleet, contents)
    assert.deepEqual(world.summary(), [['shop', 'b', true]])
  })
})
