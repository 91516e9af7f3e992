import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyChain, extendChain } from '../../../../hub/ledger/chain.ts'
import type { Decision, LedgerEntry } from '../../../../hub/ledger/entry.ts'
import { foldEntry, replay } from '../../../../hub/ledger/replay.ts'
import { toChange } from '../../../../hub/rollout/store/change.ts'
import { previousContent } from '../../../../hub/rollout/decide/admission.ts'
import { createRun } from '../../../../hub/rollout/plan/plan.ts'
import type { ClusterObservation, RolloutEvent } from '../../../../hub/rollout/rollout.ts'
import { step } from '../../../../hub/rollout/step/step.ts'
import { good, idle, old, plan, reports, target, wave } from '../rollout/world.ts'

const entries = (decisions: readonly Decision[]): LedgerEntry[] =>
  extendChain(emptyChain, 5, 'alice', decisions).entries

/** A rollout that fails on b and goes back, as the ledger has it. */
function story() {
  const planned = {
    ...plan([wave('one', ['a', 'b'])], { onFailure: 'rollback' }),
    targets: { a: target(old), b: target(null) },
  }
  const decisions: Decision[] = [{ type: 'rollout.created', plan: planned }]
  let run = createRun(planned)
  const take = (
    event: RolloutEvent,
    seen: Record<string, ClusterObservation>,
    generation: number,
  ) => {
    const next = step(planned, run, event, seen, generation, generation).run
    const change = toChange(run, next)
    run = next
    decisions.push({ type: 'rollout.moved', rollout: 'r1', cause: 'x', reason: '', change })
  }
  const both = { a: idle(), b: idle() }
  take({ kind: 'action', action: { kind: 'start' }, actor: 'a', reason: '' }, both, 1)
  take({ kind: 'observe' }, { a: reports(good, 1), b: idle() }, 2)
  take({ kind: 'observe' }, { a: idle(), b: reports(good, 1, { phase: 'Failed' }) }, 3)
  return { planned, decisions, run }
}

test('runs, assignments and what proved good follow from the moves', async () => {
  const { decisions, run } = story()
  const all = entries(decisions)
  const half = await replay(all.slice(0, 3))
  assert.equal(half.assignments.get('b')?.get('shop')?.digest, good.digest)
  assert.equal(half.good.get('a')?.get('shop')?.digest, good.digest)
  const state = await replay(all)
  assert.deepEqual(state.runs.get('r1'), run)
  assert.equal(run.phase, 'RollingBack')
  const assigned = ['a', 'b'].map((name) => {
    const { digest, generation } = state.assignments.get(name)!.get('shop')!
    return [name, digest, generation]
  })
  assert.deepEqual(assigned, [
    ['a', old.digest, 3],
    ['b', null, 3],
  ])
})

test('entries folded twice, or a move that lost its race, change nothing', async () => {
  const { decisions } = story()
  const all = entries(decisions)
  const state = await replay(all)
  const before = structuredClone(state)
  for (const entry of all) foldEntry(state, entry)
  assert.deepEqual(state, before)
})

test('enrolments, tokens, revocations, holds and the accepted revision follow', async () => {
  const enrolment = {
    cluster: 'a',
    clusterId: 'c1',
    clusterUid: 'u',
    boundKey: 'k',
    enrolledAt: 1,
  }
  const token = { tokenId: 't', cluster: 'a', key: 'x', expiresAt: 100 }
  const state = await replay(
    entries([
      { type: 'fleet.accepted', revision: 'r1' },
      { type: 'fleet.accepted', revision: 'r2' },
      { type: 'token.created', token: { ...token, tokenId: 'old', expiresAt: 1 } },
      { type: 'token.created', token },
      { type: 'token.created', token: { ...token, tokenId: 'unused' } },
      { type: 'cluster.revoked', cluster: 'a', reason: 'stolen' },
      { type: 'cluster.enrolled', enrolment, tokenId: 't' },
      { type: 'cluster.revoked', cluster: 'b', reason: 'sold' },
      { type: 'hold.released', application: 'shop', reason: '' },
    ]),
  )
  assert.equal(state.acceptedRevision, 'r2')
  assert.deepEqual([...state.tokens.keys()], ['unused'])
  assert.deepEqual([...state.usedTokens], ['t'])
  assert.deepEqual(state.enrolments.get('a'), enrolment)
  assert.deepEqual([...state.revoked], [['b', 'sold']])
  assert.equal(state.head, 9)
})

// Found by reading: a rollback led to content that an earlier rollback had led away from.
test('what was rolled back is good no more: the next rollback leads to what ran before it', async () => {
  const leave = ['/ConfigMap/shop/a']
  const planned = {
    ...plan([wave('one', ['a', 'b'])]),
    targets: { a: { ...target({ ...old, leave: ['*'] }), leave }, b: target(null) },
  }
  const decisions: Decision[] = [{ type: 'rollout.created', plan: planned }]
  let run = createRun(planned)
  const take = (kind: 'start' | 'rollback' | null, a: ClusterObservation, generation: number) => {
    const event: RolloutEvent =
      kind === null
        ? { kind: 'observe' }
        : { kind: 'action', action: { kind }, actor: 'a', reason: '' }
    const seen = { a, b: a }
    const next = step(planned, run, event, seen, generation, generation).run
    const change = toChange(run, next)
    run = next
    decisions.push({ type: 'rollout.moved', rollout: 'r1', cause: 'x', reason: '', change })
  }
  take('start', idle(), 1)
  take(null, reports(good, 1), 2)
  const before = await replay(entries(decisions))
  assert.equal(before.good.get('a')?.get('shop')?.digest, good.digest)
  // What is left to others goes with the content that left it, also as what there is to go back to.
  assert.deepEqual(before.assignments.get('a')?.get('shop')?.leave, leave)
  assert.deepEqual(previousContent(before, 'shop', 'a'), { ...good, leave })
  take('rollback', idle(), 3)
  const after = await replay(entries(decisions))
  assert.equal(after.good.get('a')?.get('shop')?.digest, old.digest)
  assert.deepEqual(after.assignments.get('a')?.get('shop')?.leave, ['*'])
  assert.deepEqual(previousContent(after, 'shop', 'a'), { ...old, leave: ['*'] })
  assert.equal(after.good.get('b')?.get('shop'), undefined)
})
