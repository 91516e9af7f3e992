import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addRollout, putAssignment } from '../../../../hub/ledger/by-application.ts'
import { emptyState } from '../../../../hub/ledger/replay.ts'
import { createHandovers } from '../../../../hub/rollout/handover.ts'
import { createRun } from '../../../../hub/rollout/plan.ts'
import type { ClusterProgress, RolloutPlan, RolloutRun } from '../../../../hub/rollout/rollout.ts'
import { drive, good, old, plan, reports, target, wave } from './world.ts'

const pending: ClusterProgress = { state: 'Pending' }
const offered: ClusterProgress = { state: 'Offered', generation: 5, offeredAt: 0 }

/** `left` and `right` swap on `x`; each is as it is said to be. */
function createSwap(rest: {
  readonly right?: Partial<RolloutRun>
  readonly left?: ClusterProgress
  readonly trigger?: RolloutPlan['trigger']['kind']
  readonly settledAt?: number
  readonly busy?: string
}) {
  const state = emptyState()
  const give = (application: string, content = old, generation = 1, rollout = 'r0') =>
    putAssignment(state, { ...content, cluster: 'x', application, generation, rollout })
  const add = (application: string, other: string, run: Partial<RolloutRun>) => {
    const targets = {
      x: { ...target(), from: { [other]: old.digest! }, leave: ['/ConfigMap/n/a'] },
    }
    const kind = rest.trigger ?? 'commit'
    const made = plan([wave('all', ['x'])], {
      ...{ id: application, application, targets, createdAt: 10 },
      trigger: { kind, actor: 'git', reason: '' },
    })
    const going = { phase: 'Progressing', startedAt: 1, waveStartedAt: 1 } as const
    addRollout(state, made, { ...createRun(made), ...going, ...run })
  }
  give('left')
  give('right')
  add('left', 'right', { clusters: { x: rest.left ?? pending } })
  if (rest.right) add('right', 'left', rest.right)
  if (rest.left?.state === 'Offered') give('left', good, 5, 'left')
  const handovers = createHandovers({
    state,
    isFree: (application) => application !== rest.busy,
    settledAt: () => rest.settledAt ?? 20,
  })
  return {
    why: handovers.look('left').withheld('x')?.reason ?? null,
    awaits: handovers.look('left').awaits('x'),
    listed: handovers
      .listTogether('x', [...state.assignments.get('x')!.values()])
      .map(({ application }) => application),
    takers: handovers.listTakers('right'),
  }
}

describe('what is to get an object that another has', () => {
  it('goes when the other may go as well, and the other is told when it moves', () => {
    const { why, takers } = createSwap({ right: {} })
    assert.deepEqual([why, takers], [null, ['left']])
  })

  it('waits, and says for whom, while the other stands at a gate, is paused, planned, full, or not free', () => {
    for (const right of [
      { waveStartedAt: null },
      { phase: 'Paused' },
      { phase: 'Planned', startedAt: null, waveStartedAt: null },
    ] as const) {
      assert.equal(
        createSwap({ right }).why,
        'application right, which has still to let go of objects there, by rollout right',
      )
    }
    assert.notEqual(createSwap({ right: {}, busy: 'right' }).why, null)
  })

  it('waits for what may be planned in the same round yet, but not where a person asked for this alone', () => {
    assert.match(createSwap({ settledAt: 9 }).why!, /^application right, /)
    assert.equal(createSwap({ settledAt: 9, trigger: 'api' }).why, null)
  })

  it('does not wait for one that is not to let go any more: its cluster says what is wrong', () => {
    assert.equal(createSwap({}).why, null)
    for (const phase of ['Aborted', 'RollingBack', 'Failed'] as const) {
      assert.equal(createSwap({ right: { phase } }).why, null, phase)
    }
  })

  it('is sent together with what the other gets, and not before', () => {
    const early = createSwap({ left: offered, right: {} })
    assert.deepEqual([early.awaits, early.listed], ['right', ['right']])
    const ended = createSwap({ left: offered, right: { phase: 'Aborted' } })
    assert.deepEqual([ended.awaits, ended.listed], [null, ['left', 'right']])
  })

  it('has no deadline as long as it is not sent', () => {
    const driven = drive(plan([wave('all', ['x'], { progressDeadline: 1_000 })]))
    driven.act({ kind: 'start' })
    driven.seen['x'] = { ...reports(old, 0), awaits: 'right' }
    driven.look(1)
    driven.look(100_000)
    assert.match(driven.last.waitingFor.join(), /together with what application right is to get/)
    driven.seen['x'] = reports(old, 0)
    driven.look(100_001)
    assert.match(driven.last.waitingFor.join(), /has not reported this content yet; it has until/)
    driven.look(200_000)
    assert.match(driven.run.message, /^paused: .*TimedOut/)
  })
})
