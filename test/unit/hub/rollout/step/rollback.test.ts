import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import type {
  ClusterObservation,
  ClusterProgress,
  RolloutPlan,
} from '../../../../../hub/rollout/rollout.ts'
import { contentBefore } from '../../../../../hub/rollout/content.ts'
import { planBack } from '../../../../../hub/rollout/step/rollback.ts'
import { assignedBy } from '../../../../../hub/ledger/replay.ts'
import { step } from '../../../../../hub/rollout/step/step.ts'
import { away, drive, good, idle, old as before, plan as planOf, reports, wave } from '../world.ts'

const [old, bad] = [digestOf('old'), digestOf('bad')]
const previous = { digest: old, size: 1, revision: 'old' }
const target = { digest: bad, size: 1, revision: 'bad', previous }
const plan: RolloutPlan = {
  id: 'r1',
  application: 'shop',
  revision: 'bad',
  contentDigest: digestOf('content'),
  createdAt: 0,
  trigger: { kind: 'commit', actor: 'git', reason: '' },
  targets: { a: target, b: target },
  waves: [
    {
      name: 'all',
      clusters: ['a', 'b'],
      maxConcurrent: 1,
      maxFailures: 0,
      soak: 0,
      progressDeadline: 60_000,
      before: [],
      after: [],
    },
  ],
  maxFailures: 0,
  onFailure: 'rollback',
  offline: 'skip',
  supersede: 'replace',
}

function seen(over: Partial<ClusterObservation['application']> = {}): ClusterObservation {
  return {
    connected: true,
    since: 0,
    refusal: null,
    application: {
      digest: old,
      generation: 1,
      phase: 'Applied',
      health: 'Current',
      message: '',
      ...over,
    },
  }
}

describe('a rollback', () => {
  // Found by the property I6: the wait for an absent cluster of the way forward was kept.
  it('looks again only for what goes back, not for what was still to come', () => {
    const actor = { actor: 'git', reason: '' }
    const start = { kind: 'action', action: { kind: 'start' }, ...actor } as const
    const begun = step(plan, createRun(plan), start, { a: seen() }, 1_000, 2)
    const failed = seen({ digest: bad, generation: 2, phase: 'Failed' })
    const back = step(plan, begun.run, { kind: 'observe' }, { a: failed }, 1_000, 3)
    assert.equal(back.run.phase, 'RollingBack')
    assert.equal(back.recheckAt, 61_000)
  })
})

describe('a rollback that a cluster holds back', () => {
  const held = '7 of 20 objects would be deleted (prune_held)'
  function stand() {
    const it = drive(planOf([wave('all', ['a', 'b'])]))
    it.act({ kind: 'start' })
    it.act({ kind: 'rollback' }, 10)
    it.seen['a'] = reports(before, it.generation, { phase: 'Failed', message: held })
    it.seen['b'] = reports(before, it.generation)
    it.look(20)
    return it
  }

  it('says where, why, until when, and which command ends it', () => {
    assert.deepEqual(stand().last.waitingFor, [
      `cluster a goes back: apply failed: ${held}; it has until ${new Date(60_010).toISOString()}`,
      'clusters that fail to go back try on, also once the rollback is over; `swell rollout abort r1` ends it now',
    ])
  })

  it('says nothing of a command where all is well', () => {
    const it = stand()
    it.seen['a'] = reports(before, it.generation, { phase: 'Applying' })
    it.look(30)
    assert.equal(it.last.waitingFor.length, 1)
  })

  it('names it and its reason once its time is over', () => {
    const it = stand()
    it.look(60_010)
    assert.equal(it.run.phase, 'RolledBack')
    assert.match(it.run.message, /; 1 did not confirm it in time \(a: apply failed: 7 of 20 .*\)$/)
  })
})

describe('what a cluster has of a rollout', () => {
  const failed = (generation: number) => reports(good, generation, { phase: 'Failed' })

  // Of two that are tried again one waits for the other's slot, and would have kept what is bad.
  it('goes back, also where it was to be tried again and had not had its turn', () => {
    const waves = [wave('all', ['a', 'b'], { maxConcurrent: 1, maxFailures: 1 })]
    const it = drive(planOf(waves))
    it.act({ kind: 'start' })
    it.seen['a'] = failed(it.generation)
    it.look(10)
    it.seen['b'] = failed(it.generation)
    it.look(20)
    assert.equal(it.run.phase, 'Paused')
    it.act({ kind: 'retry' }, 30)
    assert.deepEqual(it.outcomes(), { a: 'Offered', b: 'Pending' })
    const { effects } = it.act({ kind: 'rollback' }, 40)
    const back = effects.flatMap((one) => (one.kind === 'assign' ? [one.cluster] : []))
    assert.deepEqual(back, ['a', 'b'])
    assert.deepEqual(it.outcomes(), { a: 'Reverting', b: 'Reverting' })
  })

  it('goes back where it was away, came back in a freeze and waits for its end', () => {
    const it = drive(planOf([wave('all', ['a', 'b', 'c'])]))
    it.act({ kind: 'start' })
    it.seen['a'] = away(10)
    it.look(31_000)
    it.seen['a'] = { ...idle(31_010), withheld: { until: null, reason: 'a freeze' } }
    it.look(31_020)
    assert.deepEqual(it.outcomes(), { a: 'Pending', b: 'Offered', c: 'Offered' })
    it.act({ kind: 'rollback' }, 31_030)
    assert.equal(it.outcomes()['a'], 'Reverting')
  })

  it('is known after an abort and a skip, so that a rollback that follows takes it back', () => {
    for (const kind of ['abort', 'skip'] as const) {
      const it = drive(planOf([wave('all', ['a', 'b'], { maxConcurrent: 1, maxFailures: 1 })]))
      it.act({ kind: 'start' })
      it.seen['a'] = failed(it.generation)
      it.look(10)
      it.seen['b'] = failed(it.generation)
      it.look(20)
      it.act({ kind: 'retry' }, 30)
      it.act(kind === 'skip' ? { kind, cluster: 'b' } : { kind }, 40)
      it.act({ kind: 'rollback' }, 50)
      assert.deepEqual(it.outcomes(), { a: 'Reverting', b: 'Reverting' }, kind)
    }
  })

  it('is still assigned to it by the ledger while it waits for its turn again', () => {
    const planned = planOf([wave('all', ['a'])])
    const generation = 7
    assert.equal(assignedBy(planned, 'a', { state: 'Pending', generation })?.digest, good.digest)
    assert.equal(assignedBy(planned, 'a', { state: 'Pending' }), null)
  })
})

describe('I4: what goes back', () => {
  const generation = 3
  const leave = ['/ConfigMap/shop/a']
  const planned = planOf([wave('all', ['a', 'b'])], {
    targets: {
      a: { ...target, previous: { ...previous, leave } },
      b: { ...target, previous: null },
    },
  })
  const ways: ClusterProgress[] = [
    { state: 'Reverting', generation, offeredAt: 0, outcome: null },
    { state: 'Reverted', generation, at: 0, outcome: null },
    ...[
      {
        state: 'Done',
        outcome: 'Vetoed',
        generation,
        at: 0,
        message: '',
        withdrawn: true,
      } as const,
    ],
  ]

  it('is an undoing, with what that content had left for others', () => {
    for (const progress of ways) {
      const { digest, undo, leave: left } = assignedBy(planned, 'a', progress)!
      assert.deepEqual([digest, undo, left], [old, true, leave], progress.state)
      const nothing = assignedBy(planned, 'b', progress)!
      assert.deepEqual([nothing.digest, nothing.undo], [null, true])
      assert.equal(nothing.deletionPolicy, undefined)
    }
    const forward = assignedBy(planned, 'a', { state: 'Offered', generation, offeredAt: 0 })
    assert.deepEqual([forward?.undo, forward?.leave], [undefined, undefined])
  })

  it('to nothing lets all go where the application asks for that', () => {
    const kept = assignedBy({ ...planned, orphans: true }, 'b', ways[0]!)!
    assert.deepEqual([kept.deletionPolicy, kept.undo], ['Orphan', true])
    const { deletionPolicy } = assignedBy({ ...planned, orphans: true }, 'a', ways[0]!)!
    assert.equal(deletionPolicy, undefined, 'what it goes back to is no tombstone')
  })

  it('to nothing does so where it had been there once and was removed, too', () => {
    const removed = { digest: null, size: 0, revision: 'r' }
    const targets = { b: { ...target, previous: removed } }
    const back = contentBefore({ targets, orphans: true }, 'b')
    assert.deepEqual(back, { ...removed, deletionPolicy: 'Orphan', undo: true })
    assert.deepEqual(contentBefore({ targets }, 'b'), { ...removed, undo: true })
  })
})

describe('what undoing a rollout would bring', () => {
  it('is what clusters had that it changed: nothing for those it did not reach, removal where nothing was', () => {
    const targets = { ...plan.targets, c: { ...target, previous: null }, d: target }
    const run = {
      ...createRun(plan),
      clusters: {
        a: { state: 'Soaking', generation: 2, offeredAt: 0, healthySince: 0 },
        b: { state: 'Pending' },
        c: { state: 'Done', outcome: 'Failed', generation: 2, at: 0, message: '' },
        d: { state: 'Done', outcome: 'Failed', generation: 2, at: 0, message: '', withdrawn: true },
      },
    } as const
    const back = planBack({ ...plan, targets }, run)
    const had = { digest: bad, size: 1, revision: 'bad' }
    assert.deepEqual(back.targets, {
      a: { ...previous, undo: true, previous: had },
      c: { digest: null, size: 0, revision: 'bad', undo: true, previous: had },
    })
  })
})
