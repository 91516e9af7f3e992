import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { emptyState, foldEntry } from '../../../../../hub/ledger/replay.ts'
import { emptyChain, extendChain } from '../../../../../hub/ledger/chain.ts'
import type { Decision } from '../../../../../hub/ledger/entry.ts'
import { toChange } from '../../../../../hub/rollout/store/change.ts'
import { estimateRollout, listPastWaves } from '../../../../../hub/rollout/estimate/estimate.ts'
import type { RolloutPlan } from '../../../../../hub/rollout/rollout.ts'
import { drive, good, plan, reports, wave } from '../world.ts'

const minute = 60_000

/** A ledger in which this plan went, each wave so many minutes after its clusters were offered. */
function history(...runs: { planned: RolloutPlan; minutes: readonly number[]; gate?: number }[]) {
  const state = emptyState()
  let head = emptyChain
  const decide = (decision: Decision) => {
    const made = extendChain(head, 1, 'hub', [decision])
    head = made.head
    for (const entry of made.entries) foldEntry(state, entry)
  }
  for (const { planned, minutes, gate = 0 } of runs) {
    decide({ type: 'rollout.created', plan: planned })
    const it = drive(planned)
    let before = it.run
    const note = () => {
      const change = toChange(before, it.run)
      if (it.run !== before) {
        decide({ type: 'rollout.moved', rollout: planned.id, cause: '', reason: '', change })
      }
      before = it.run
    }
    let now = 0
    it.act({ kind: 'start' }, now)
    note()
    for (const [index, took] of minutes.entries()) {
      if (it.run.waveStartedAt === null) {
        now += gate * minute
        it.act({ kind: 'approve' }, now)
        note()
      }
      now += took * minute
      for (const name of planned.waves[index]!.clusters) {
        it.seen[name] = reports(good, it.generation)
        const progress = it.run.clusters[name]!
        if (progress.state === 'Offered') it.seen[name] = reports(good, progress.generation)
      }
      it.look(now)
      note()
    }
  }
  return state
}

const two = (id: string, rest: Partial<RolloutPlan['waves'][number]> = {}) =>
  plan([wave('canary', ['a']), wave('rest', ['b', 'c'], rest)], { id })

describe('an estimate', () => {
  test('says that there is no history', () => {
    const { typical, longest, rollouts, waves } = estimateRollout(two('next'), [])
    assert.deepEqual([typical, longest, rollouts], [null, null, 0])
    assert.deepEqual(
      waves.map(({ basis }) => basis),
      ['none', 'none'],
    )
  })

  test('is the middle and the longest of what waves of the same name took', () => {
    const state = history(
      { planned: two('r1'), minutes: [1, 2] },
      { planned: two('r2'), minutes: [3, 4] },
      { planned: two('r3'), minutes: [2, 9] },
    )
    const { typical, longest, rollouts, waves } = estimateRollout(
      two('next'),
      listPastWaves(state, 'shop'),
    )
    assert.equal(rollouts, 3)
    assert.deepEqual(
      waves.map(({ typical, longest }) => [typical! / minute, longest! / minute]),
      [
        [2, 3],
        [4, 9],
      ],
    )
    assert.deepEqual([typical! / minute, longest! / minute], [6, 12])
  })

  test('does not count how long people took to approve, and says so', () => {
    const gated = { before: [{ kind: 'approval', role: 'operator' }] } as const
    const state = history({ planned: two('r1', gated), minutes: [1, 2], gate: 600 })
    const { typical, uncounted } = estimateRollout(two('next', gated), listPastWaves(state, 'shop'))
    assert.equal(typical! / minute, 3)
    assert.deepEqual(uncounted, ['approval by the role operator before wave rest'])
  })

  test('grows with the batches of a wave, its soak and its timed gates', () => {
    const state = history({ planned: two('r1'), minutes: [1, 2] })
    const slow = wave('rest', ['b', 'c', 'd', 'e'], {
      maxConcurrent: 2,
      soak: 10 * minute,
      after: [{ kind: 'soak', duration: 30 * minute }],
    })
    const { waves } = estimateRollout({ waves: [slow] }, listPastWaves(state, 'shop'))
    assert.equal(waves[0]!.typical! / minute, 2 * (2 + 10) + 30)
  })

  test('of a wave that is new goes by the others, and of other applications by nothing', () => {
    const state = history({ planned: two('r1'), minutes: [1, 2] })
    const fresh = { waves: [wave('fresh', ['x'])] }
    assert.equal(
      estimateRollout(fresh, listPastWaves(state, 'shop')).waves[0]!.basis,
      'application',
    )
    assert.deepEqual(listPastWaves(state, 'other'), [])
  })

  test('rests on nothing that did not come to a good end', () => {
    const state = history({ planned: two('r1'), minutes: [1] })
    assert.deepEqual(listPastWaves(state, 'shop'), [])
  })
})
