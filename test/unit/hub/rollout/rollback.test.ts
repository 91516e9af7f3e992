import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { createRun } from '../../../../hub/rollout/plan.ts'
import type { ClusterObservation, RolloutPlan } from '../../../../hub/rollout/rollout.ts'
import { planBack } from '../../../../hub/rollout/rollback.ts'
import { step } from '../../../../hub/rollout/step.ts'

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
      a: { ...previous, previous: had },
      c: { digest: null, size: 0, revision: 'bad', previous: had },
    })
  })
})
