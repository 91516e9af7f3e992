import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { addRollout, putAssignment } from '../../../../../hub/ledger/by-application.ts'
import { emptyState } from '../../../../../hub/ledger/replay.ts'
import { createHandovers, type Handovers } from '../../../../../hub/rollout/handover/handover.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import type {
  ClusterProgress,
  Content,
  RolloutPlan,
  RolloutRun,
  RolloutTarget,
} from '../../../../../hub/rollout/rollout.ts'
import { drive, good, old, plan, reports, target, wave } from '../world.ts'

/** Git asks for what runs, and nobody leaves. */
const still = { desired: () => undefined, leavesAt: () => undefined, released: () => {} }
const pending: ClusterProgress = { state: 'Pending' }
const other = { digest: digestOf('other'), size: 1, revision: 'r' }
const offered: ClusterProgress = { state: 'Offered', generation: 5, offeredAt: 0 }

/** `left` and `right` swap on `x`; each is as it is said to be. */
function createSwap(rest: {
  readonly right?: Partial<RolloutRun>
  readonly left?: ClusterProgress
  readonly trigger?: RolloutPlan['trigger']['kind']
  readonly settledAt?: number
  readonly busy?: string
  /** What Git asks of `right`, and when it is removed. */
  readonly desired?: Content
  readonly leavesAt?: number
  /** What `right` was given since by a rollout that stood in line before. */
  readonly between?: Partial<RolloutTarget>
  /** Whether another rollout of `right` waits in line. */
  readonly behind?: boolean
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
  if (rest.left && rest.left !== pending) give('left', good, 5, 'left')
  if (rest.behind) {
    const behind = { id: 'behind', application: 'right', targets: { x: target(good, other) } }
    const made = plan([wave('all', ['x'])], { ...behind, createdAt: 15 })
    addRollout(state, made, createRun(made))
  }
  if (rest.between) {
    const before = { id: 'before', application: 'right', targets: { x: target(old, other) } }
    const targets = { x: { ...before.targets.x, ...rest.between } }
    const made = plan([wave('all', ['x'])], { ...before, targets, createdAt: 5 })
    addRollout(state, made, { ...createRun(made), phase: 'Succeeded' })
    give('right', other, 2, 'before')
  }
  const released: string[] = []
  const handovers = createHandovers({
    state,
    isFree: (application) => application !== rest.busy,
    settledAt: () => rest.settledAt ?? 20,
    desired: () => rest.desired?.digest,
    leavesAt: (application) => (application === 'right' ? rest.leavesAt : undefined),
    released: (cluster) => released.push(cluster),
  })
  return {
    why: handovers.look('left').withheld('x')?.reason ?? null,
    awaits: handovers.look('left').awaits('x'),
    released,
    /** The rollout of `right` is over; `left` is looked at again. */
    end(phase: RolloutRun['phase']) {
      state.runs.set('right', { ...state.runs.get('right')!, phase })
      return handovers.look('left').awaits('x')
    },
    /** Of `left`, where its agent says that it runs this. */
    listedOf(digest: Digest, generation: number) {
      const all = [...state.assignments.get('x')!.values()]
      const listed = handovers.listTogether('x', all, () => ({ digest, generation }))
      assert(listed !== 'wait')
      return listed.filter(({ application }) => application === 'left')
    },
    listed: listNames(
      handovers.listTogether('x', [...state.assignments.get('x')!.values()], () => undefined),
    ),
    /** Before its agent, which is just back, has told of `left`. */
    listedUntold: listNames(
      handovers.listTogether('x', [...state.assignments.get('x')!.values()], (name) =>
        name === 'left' ? 'untold' : undefined,
      ),
    ),
    isKept: () => handovers.isKeptFrom('x'),
    takers: handovers.listTakers('right'),
  }
}

const listNames = (listed: ReturnType<Handovers['listTogether']>) =>
  listed === 'wait' ? listed : listed.map(({ application }) => application)

describe('what is to get an object that another has', () => {
  it('goes when the other may go as well, and the other is told when it moves', () => {
    const { why, takers } = createSwap({ right: {} })
    assert.deepEqual([why, takers], [null, ['left']])
  })

  it('waits, and says for whom and why, while the other stands at a gate, is paused, planned, full, or not free', () => {
    const wait = 'application right, which has still to let go of objects there, by rollout right'
    const planned = { phase: 'Planned', startedAt: null, waveStartedAt: null } as const
    for (const [right, why] of [
      [{ waveStartedAt: null }, 'its wave all has not begun'],
      [{ phase: 'Paused' }, 'it is paused'],
      [planned, 'it has not been started'],
    ] as const) {
      assert.equal(createSwap({ right }).why, `${wait}: ${why}`)
    }
    const busy = createSwap({ right: {}, busy: 'right' })
    assert.equal(busy.why, `${wait}: something holds it back there`)
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

  it('waits for one that is removed once its cluster was unselected for long enough, and says when', () => {
    assert.equal(
      createSwap({ leavesAt: 60_000 }).why,
      'application right, which has still to let go of objects there when it is removed, at 1970-01-01T00:01:00.000Z',
    )
  })

  it('waits for one whose rollout ended without the cluster, as long as Git asks for what was missed', () => {
    for (const outcome of ['Unreachable', 'Vetoed'] as const) {
      const x = { state: 'Done', outcome, generation: 0, at: 0, message: '' } as const
      const right = { phase: 'Succeeded', clusters: { x } } as const
      assert.notEqual(createSwap({ right, desired: good }).why, null)
      assert.equal(createSwap({ right, desired: old }).why, null, 'reverted since')
      assert.equal(createSwap({ right }).why, null, 'it cannot be rendered')
      // Of what was aborted nothing is planned again, though it said "in a moment", for ever.
      for (const phase of ['RolledBack', 'Aborted'] as const) {
        const over = { ...right, phase } as const
        assert.equal(createSwap({ right: over, desired: good }).why, null, phase)
      }
    }
    const x = { state: 'Done', outcome: 'Skipped', generation: 0, at: 0, message: '' } as const
    const skipped = { phase: 'Succeeded', clusters: { x } } as const
    assert.equal(createSwap({ right: skipped, desired: good }).why, null)
  })

  it('waits for what lets go when something else was in line before it, or is behind it', () => {
    const queued = { phase: 'Planned', startedAt: null, waveStartedAt: null } as const
    assert.notEqual(createSwap({ right: queued, between: {} }).why, null)
    const leave = ['/ConfigMap/n/a']
    assert.equal(createSwap({ right: queued, between: { leave } }).why, null, 'it has let go')
    assert.equal(createSwap({ between: {} }).why, null, 'nothing is to come')
    assert.equal(createSwap({ right: {}, behind: true }).why, null, 'it may come with this one')
  })

  it('is sent together with what the other gets, and not before', () => {
    const early = createSwap({ left: offered, right: {} })
    assert.deepEqual([early.awaits, early.listed], ['right', ['right']])
    const ended = createSwap({ left: offered, right: { phase: 'Aborted' } })
    assert.deepEqual([ended.awaits, ended.listed], [null, ['left', 'right']])
  })

  it('is listed as it runs there, as long as what comes is not sent: an agent started anew forgets what is not', () => {
    const { listedOf } = createSwap({ left: offered, right: {} })
    const mine = { cluster: 'x', application: 'left', rollout: 'left' }
    assert.deepEqual(listedOf(old.digest!, 1), [{ ...mine, ...old, undo: true, generation: 1 }])
    assert.deepEqual(listedOf(digestOf('what nobody knows'), 1), [])
  })

  // An agent that is just back tells one application after the other; another was news, and this one left out.
  it('has nothing listed before an agent that is back has told what it runs of it', () => {
    const kept = createSwap({ left: offered, right: {} })
    assert.deepEqual([kept.listedUntold, kept.isKept()], ['wait', true])
    kept.end('Aborted')
    assert.equal(kept.isKept(), false)
    const sent = createSwap({ left: offered, right: { phase: 'Aborted' } })
    assert.deepEqual(sent.listedUntold, ['left', 'right'])
  })

  it('is kept from a cluster that went away before it was sent, and came back', () => {
    const away = {
      state: 'Done',
      outcome: 'Unreachable',
      generation: 5,
      at: 0,
      message: '',
    } as const
    for (const left of [away, { state: 'Pending', generation: 5 }] as const) {
      assert.deepEqual(createSwap({ left, right: {} }).listed, ['right'], left.state)
    }
    const failed = createSwap({ left: { ...away, outcome: 'Failed' }, right: {} })
    assert.deepEqual(failed.listed, ['left', 'right'])
  })

  it('is sent at once when the other comes no more: its cluster says what is wrong', () => {
    const { awaits, end, released } = createSwap({ left: offered, right: {} })
    assert.equal(awaits, 'right')
    assert.deepEqual(released, [])
    assert.equal(end('Aborted'), null)
    assert.deepEqual(released, ['x'])
    end('Aborted')
    assert.deepEqual(released, ['x'])
  })

  it('is taken back where its turn ends before it was sent: skipped, its rollout aborted or rolled back', () => {
    const actions = [
      { kind: 'skip', cluster: 'x' },
      { kind: 'abort' },
      { kind: 'rollback' },
    ] as const
    for (const action of actions) {
      const driven = drive(plan([wave('all', ['x', 'y'], { maxConcurrent: 1 })]))
      driven.act({ kind: 'start' })
      driven.seen['x'] = { ...reports(old, 0), awaits: 'right' }
      const { effects } = driven.act(action)
      const back = { cluster: 'x', content: { ...old, undo: true }, generation: driven.generation }
      assert.deepEqual(effects[0], { kind: 'assign', ...back })
      const { generation } = driven
      const { message: _, ...ended } = driven.run.clusters['x'] as Record<string, unknown>
      const skipped = { state: 'Done', outcome: 'Skipped', at: 0, generation }
      const taken = { ...skipped, withdrawn: true, unsent: true }
      assert.deepEqual(ended, taken)
    }
  })

  it('is not told to go where it never came', () => {
    const state = emptyState()
    const made = plan([wave('all', ['x'])], { targets: { x: target(null) } })
    const done = { state: 'Done', outcome: 'Skipped', generation: 2, at: 0, message: '' } as const
    const assigned = { digest: null, size: 0, revision: 'r', cluster: 'x', application: 'shop' }
    const tombstone = { ...assigned, generation: 2, rollout: made.id }
    const handovers = createHandovers({ state, isFree: () => true, settledAt: () => 0, ...still })
    for (const unsent of [true, undefined] as const) {
      const x = { ...done, withdrawn: true, ...(unsent && { unsent }) } as const
      addRollout(state, made, { ...createRun(made), clusters: { x } })
      const listed = handovers.listSendable('x', [tombstone])
      assert.deepEqual(listed, unsent ? [] : [tombstone])
    }
  })

  it('does not fail for a refusal of what was sent before it', () => {
    const driven = drive(plan([wave('all', ['x'])]))
    driven.act({ kind: 'start' })
    driven.seen['x'] = { ...reports(old, 0), refusal: 'expired: long ago', awaits: 'right' }
    driven.look(1)
    assert.equal(driven.run.clusters['x']!.state, 'Offered')
    driven.seen['x'] = { ...reports(old, 0), refusal: 'expired: long ago' }
    driven.look(2)
    assert.match(driven.run.message, /refused: expired/)
  })

  // A new leader wrote down that it was not sent, and its deadline counted no more until its agent said something.
  it('is not said to be unsent by a hub that has not decided on Git yet: nor is it late then', () => {
    const driven = drive(plan([wave('all', ['x'], { progressDeadline: 1_000 })]))
    driven.act({ kind: 'start' })
    const before = driven.run
    driven.seen['x'] = { ...reports(old, 0), awaits: 'right', unsettled: true }
    driven.look(100_000)
    assert.equal(driven.run, before)
    driven.seen['x'] = reports(old, 0)
    driven.look(100_001)
    assert.match(driven.run.message, /^paused: .*TimedOut/)
  })

  it('was sent where its agent tells of it, though a hub that has just begun takes it to wait', () => {
    const driven = drive(plan([wave('all', ['x'])]))
    driven.act({ kind: 'start' })
    driven.seen['x'] = { ...reports(good, driven.generation), awaits: 'right', unsettled: true }
    driven.act({ kind: 'rollback' })
    assert.equal(driven.run.clusters['x']!.state, 'Reverting')
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
